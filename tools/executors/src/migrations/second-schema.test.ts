import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Tree } from '@nx/devkit';
import { readNxJson, updateNxJson } from '@nx/devkit';
import { createTreeWithEmptyWorkspace } from '@nx/devkit/testing';
import { beforeEach, expect, it } from 'vitest';
import migrate from './second-schema.ts';

const STAGES = [{ name: 'test', registry: 'https://npm.test.example.com' }, { name: 'public' }];
const FIRST = { stages: STAGES, ledger: { branch: 'mine' }, workflows: true };
const SECOND = { ledger: { branch: 'mine' }, workflows: true, packages: { stages: STAGES } };
const nxJson = (plugins: object[], more: object = {}) =>
  ({ plugins: ['@nx/x', ...plugins], ...more }) as never;

let tree: Tree;
beforeEach(() => {
  tree = createTreeWithEmptyWorkspace({ formatter: 'prettier' });
});

it('makes the options of the first schema those of the second, and again nothing', async () => {
  updateNxJson(
    tree,
    nxJson([{ plugin: '@sluice/nx', options: FIRST, exclude: ['old/*'] }], { sync: { applyChanges: true } }),
  );
  await migrate(tree);
  const once = readNxJson(tree);
  expect(once).toMatchObject({
    plugins: ['@nx/x', { plugin: '@sluice/nx/plugin', options: SECOND, exclude: ['old/*'] }],
    sync: { applyChanges: true, globalGenerators: ['@sluice/nx:sync-workflows'] },
  });
  await migrate(tree);
  expect(readNxJson(tree)).toEqual(once);
});

it('leaves what is of the second schema, and workspaces without the plugin', async () => {
  for (const before of [
    nxJson([{ plugin: '@sluice/nx/plugin', options: { packages: { stages: STAGES } } }]),
    nxJson([]),
  ]) {
    updateNxJson(tree, before);
    const written = tree.read('nx.json', 'utf8');
    await migrate(tree);
    expect(tree.read('nx.json', 'utf8')).toBe(written);
  }
});

it('changes nothing where the options are wrong', async () => {
  updateNxJson(tree, nxJson([{ plugin: '@sluice/nx', options: { stages: [{ name: 'A B' }] } }]));
  const written = tree.read('nx.json', 'utf8');
  await expect(migrate(tree)).rejects.toThrow('packages.stages[0].name');
  expect(tree.read('nx.json', 'utf8')).toBe(written);
});

it('is one that nx migrate finds', () => {
  const root = join(import.meta.dirname, '../..');
  const read = (file: string) => JSON.parse(readFileSync(join(root, file), 'utf8'));
  expect(read('package.json')['nx-migrations']).toEqual({ migrations: './migrations.json' });
  expect(read('package.json').files).toContain('migrations.json');
  const { implementation } = read('migrations.json').generators['second-schema'];
  expect(readFileSync(join(root, `${implementation.replace('./dist/', 'src/')}.ts`), 'utf8')).toContain(
    'export default',
  );
});
