import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

interface Option {
  description?: string;
  type?: string;
  enum?: string[];
  $default?: object;
  'x-prompt'?: string | { items?: { value: string }[] };
}
interface Schema {
  description?: string;
  required?: string[];
  properties: Record<string, Option>;
  examples?: { command: string; description: string }[];
}
const root = join(import.meta.dirname, '../..');
const read = (file: string) => JSON.parse(readFileSync(join(root, file), 'utf8'));
const generators = Object.entries(
  read('generators.json').generators as Record<
    string,
    { schema: string; description: string; hidden?: boolean }
  >,
).map(([name, entry]) => ({
  name,
  ...entry,
  schema: read(entry.schema.replace('./dist/', 'src/')) as Schema,
}));

/** What forms in Nx Console, prompts and `--help` are made of. */
describe.each(generators)('the schema of $name', ({ name, schema, description, hidden }) => {
  const options = Object.entries(schema.properties);

  it('says what it is for, and each option too', () => {
    expect([description, schema.description]).toEqual([
      expect.stringMatching(/\.$/),
      expect.stringMatching(/\.$/),
    ]);
    for (const [option, { description: said }] of options)
      expect([option, said]).toEqual([option, expect.stringMatching(/\.$/)]);
  });

  it('asks for what it needs, and takes it without its name', () => {
    const needed = hidden ? [] : (schema.required ?? []);
    for (const option of needed)
      expect(schema.properties[option]).toMatchObject({
        $default: { $source: 'argv', index: 0 },
        'x-prompt': expect.anything(),
      });
  });

  it('offers in a prompt what it takes', () => {
    const lists = options.flatMap(([, { enum: values, 'x-prompt': prompt }]) =>
      values && typeof prompt === 'object'
        ? [{ values, offered: prompt.items?.map(({ value }) => value) }]
        : [],
    );
    expect(lists.map(({ offered }) => offered)).toEqual(lists.map(({ values }) => values));
  });

  it('has examples, with options that there are', () => {
    expect(schema.examples?.length).toBeGreaterThan(0);
    const known = new Set(['dry-run', ...options.map(([option]) => option)]);
    for (const { command, description: said } of schema.examples ?? []) {
      expect(said).not.toBe('');
      if (!command.startsWith(`npx nx g @sluice/nx:${name}`)) continue;
      const named = [...command.matchAll(/ --(?:no-)?([A-Za-z-]+)/g)].map(([, option = '']) => option);
      expect(named.filter((option) => !known.has(option))).toEqual([]);
    }
  });
});
