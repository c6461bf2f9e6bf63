import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { workspaceProjects } from './workspace-packages.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sluice-projects-'));
});
afterEach(() => rm(root, { recursive: true }));

it.each<[string, Record<string, string>]>([
  ['npm', { 'package.json': '{"workspaces":["libs/*"]}' }],
  ['yarn', { 'package.json': '{"workspaces":{"packages":["libs/*"]}}' }],
  ['pnpm', { 'package.json': '{"name":"w"}', 'pnpm-workspace.yaml': "packages:\n  - 'libs/*'\n" }],
])('the projects of a workspace of %s', async (_, files) => {
  const all = {
    ...files,
    'libs/a/package.json': '{"name":"@acme/a","version":"1.0.0","dependencies":{"@acme/b":"*"}}',
    'libs/b/package.json': '{"name":"@acme/b","version":"1.0.0","nx":{"name":"b"}}',
    'libs/c/package.json': '{"name":"@acme/c","private":true}',
    'libs/c/sluice.json': '{}',
    'libs/d/package.json': '{"name":"@acme/d","version":"1.0.0","private":true}',
  };
  for (const [file, text] of Object.entries(all)) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), text);
  }
  const found = await workspaceProjects(root);
  expect(found.map(({ project, pipeline, needs }) => [project, pipeline, needs])).toEqual([
    ['@acme/a', 'packages', ['@acme/b']],
    ['b', 'packages', []],
    ['@acme/c', 'services', []],
  ]);
});

it('are none where there is no workspace', async () => {
  expect(await workspaceProjects(root)).toEqual([]);
});
