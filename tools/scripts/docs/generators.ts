import { listed } from './executors.ts';
import { code, heading } from './markdown.ts';
import { flagTable, type Schema } from './schema.ts';

/** Every generator with its options. */
export async function generatorsPage(workspace: string): Promise<string> {
  const generators = await listed(workspace, 'generators.json', 'generators');
  return [
    heading('Generators', 'tools/executors/generators.json and the schema of each generator'),
    ...generators.flatMap(({ name, schema }) => [
      `## ${code(name)}`,
      '```sh\n' + usage(name, schema) + '\n```',
      schema.description ?? '',
      flagTable(schema),
      examples(schema),
    ]),
  ].join('\n\n');
}

/** Commands as a person types them, each below what it does. */
function examples(schema: Schema): string {
  const all = (schema.examples ?? []) as { command: string; description: string }[];
  return (
    '```sh\n' + all.map(({ command, description }) => `# ${description}\n${command}`).join('\n') + '\n```'
  );
}

/** How a generator is called: what it needs stands behind its name. */
function usage(name: string, schema: Schema): string {
  const needed = (schema.required ?? []).map((option) => ` <${option}>`).join('');
  return name === 'init' ? 'npx nx add @sluice/nx' : `npx nx g @sluice/nx:${name}${needed}`;
}
