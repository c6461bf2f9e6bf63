import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import apiCheck from '../executors/api-check/executor.ts';
import batch from '../executors/api-check/batch.ts';
import { checkApi } from './index.ts';
import { entriesOf } from './surface.ts';

describe('entriesOf', () => {
  it.each([
    [{ types: './d.d.ts' }, [['.', './d.d.ts']]],
    [{ exports: './a.js', typings: './a.d.ts' }, [['.', './a.d.ts']]],
    [{ exports: { types: './a.d.ts', default: './a.js' } }, [['.', './a.d.ts']]],
    [
      { exports: { '.': { import: { types: './m.d.mts' }, require: { types: './c.d.cts' } } } },
      [['.', './m.d.mts']],
    ],
    [
      {
        exports: {
          '.': { types: './a.d.ts' },
          './b': [{ types: './b.d.ts' }],
          './*': { types: './*.d.ts' },
          './package.json': './package.json',
        },
      },
      [
        ['.', './a.d.ts'],
        ['./b', './b.d.ts'],
      ],
    ],
    [{ main: 'index.js' }, []],
  ])('%j', (manifest, expected) => {
    expect(entriesOf(manifest as object).map(({ name, types }) => [name, types])).toEqual(expected);
  });
});

describe('the public API of a package', () => {
  let workspaceRoot: string;
  const root = 'libs/a';
  const write = async (files: Record<string, string>) => {
    for (const [file, text] of Object.entries(files)) {
      const path = join(workspaceRoot, root, file);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, text);
    }
  };
  const check = (more: { update?: boolean; dryRun?: boolean } = {}) =>
    checkApi({ workspaceRoot, root, project: 'a', ...more });
  const noted = () => readFile(join(workspaceRoot, root, 'api.txt'), 'utf8').catch(() => '');
  const BEGIN = {
    'package.json': JSON.stringify({ name: '@acme/a', exports: { '.': { types: './dist/index.d.ts' } } }),
    'dist/index.d.ts':
      "export * from './money.js';\nexport { Logger } from '@acme/logger';\nexport * from 'hono';\n",
    'dist/money.d.ts': [
      "import type { Rounding } from './inner.js';",
      'export declare class Money {',
      '    private cents;',
      '    private constructor();',
      '    /** Of equal currencies. */',
      '    add(other: Money, how?: Rounding): Promise<Money>;',
      '}',
      'declare const zero: Money;',
      'export { zero as nothing };',
      'export default function of(text: string): Money;',
    ].join('\n'),
    'dist/inner.d.ts':
      "export type Rounding = 'up' | Deep;\ninterface Deep {\n    by: number;\n}\nexport interface Unused {\n}\n",
  };

  beforeAll(async () => {
    workspaceRoot = await mkdtemp(join(tmpdir(), 'sluice-api-'));
    await writeFile(join(workspaceRoot, 'package.json'), '{}');
    await symlink(join(import.meta.dirname, '../../../../node_modules'), join(workspaceRoot, 'node_modules'));
  });
  afterAll(() => rm(workspaceRoot, { recursive: true }));
  beforeEach(async () => {
    await rm(join(workspaceRoot, root), { recursive: true, force: true });
    await write(BEGIN);
  });

  it('is what it exports and what that needs, without comments and private members', async () => {
    expect(await check({ update: true })).toMatchObject({ name: '@acme/a', written: true });
    expect(await noted()).toBe(
      `// The public API of @acme/a. A change of it is meant: npx nx run a:api-check --update

// .
class Money {
    private constructor();
    add(other: Money, how?: Rounding): Promise<Money>;
}
const zero: Money;
export { zero as nothing };
export * from 'hono';
export { Logger } from '@acme/logger';
// not exported, and part of the above
interface Deep {
    by: number;
}
type Rounding = 'up' | Deep;
`,
    );
    expect(await check()).toMatchObject({ added: [], removed: [], written: false });
  });

  it('stays the same where only comments, private members, order and unused types change', async () => {
    await check({ update: true });
    const { 'dist/money.d.ts': money, 'dist/inner.d.ts': inner } = BEGIN;
    await write({
      'dist/money.d.ts': money.replace('Of equal', 'Only of equal').replace('private cents', 'private minor'),
      'dist/inner.d.ts': inner
        .split('\n')
        .toReversed()
        .join('\n')
        .replace(/^[^]*$/, `${inner}export type More = 1;\n`),
    });
    expect(await check()).toMatchObject({ added: [], removed: [] });
  });

  it('is refused where it changed and nobody said so; then said, it stands', async () => {
    await check({ update: true });
    const before = await noted();
    await write({ 'dist/inner.d.ts': BEGIN['dist/inner.d.ts'].replace('by: number', 'by: bigint') });
    const error = await check().catch((thrown: Error) => thrown);
    expect(error).toMatchObject({
      code: 'API_CHANGED',
      message: expect.stringMatching(/api\.txt says:\n {4}- {5}by: number;\n {4}\+ {5}by: bigint;$/),
      next: expect.stringMatching(/npx nx run a:api-check --update.*major changeset/),
    });
    expect(await check({ update: true, dryRun: true })).toMatchObject({ written: false });
    expect(await noted()).toBe(before);
    await check({ update: true });
    expect(await noted()).toContain('by: bigint;');
    expect(await check()).toMatchObject({ added: [], removed: [] });
  });

  it('says what is missing', async () => {
    await write({ 'package.json': '{"name":"@acme/a"}' });
    await expect(check()).rejects.toMatchObject({ code: 'API_WITHOUT_TYPES' });
    await write({ 'package.json': '{"name":"@acme/a","types":"./dist/none.d.ts"}' });
    await expect(check()).rejects.toMatchObject({ code: 'API_NOT_COMPILED' });
    const elsewhere = { workspaceRoot: join(workspaceRoot, 'libs'), root: 'a', project: 'a' };
    await write(BEGIN);
    await mkdir(join(workspaceRoot, 'libs/node_modules/typescript'), { recursive: true });
    await writeFile(
      join(workspaceRoot, 'libs/node_modules/typescript/index.js'),
      'exports.version = "7.0.0";',
    );
    await expect(checkApi(elsewhere)).rejects.toMatchObject({ code: 'API_COMPILER_MISSING' });
  });

  it('is checked by the executor, alone and in a batch', async () => {
    const said = { out: '', err: '' };
    const out = {
      stdout: { write: (text: unknown) => ((said.out += String(text)), true) },
      stderr: { write: (text: unknown) => ((said.err += String(text)), true) },
    };
    const context = {
      root: workspaceRoot,
      projectName: 'a',
      projectsConfigurations: { version: 2, projects: { a: { root } } },
    };
    expect(await apiCheck({}, context, out)).toEqual({ success: false });
    expect(said.err).toMatch(/^API_CHANGED: .*\n[^]*next: .*minor changeset/);
    expect(await apiCheck({ update: true, outputFile: 'out/api.json' }, context, out)).toEqual({
      success: true,
    });
    expect(said.out).toMatch(/^@acme\/a: api\.txt was written/);
    expect(JSON.parse(await readFile(join(workspaceRoot, 'out/api.json'), 'utf8'))).toMatchObject({
      removed: [],
    });
    const graph = { tasks: { 'a:api-check': { id: 'a:api-check', target: { project: 'a' } } } } as never;
    const results = [];
    for await (const one of batch(graph, {}, undefined, context)) results.push(one);
    expect(results).toMatchObject([
      {
        task: 'a:api-check',
        result: { success: true, terminalOutput: '@acme/a: the public API is as api.txt says\n' },
      },
    ]);
  });
});
