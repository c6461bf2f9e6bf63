import { mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { NxWorkspace } from './nx-workspace.ts';

let workspace: NxWorkspace;
beforeAll(() => {
  workspace = new NxWorkspace();
});
afterAll(() => workspace.close());

const rename = (...args: string[]) => workspace.run('node', 'tools/scripts/rename.ts', ...args);

it.each([
  [['--scope=@My Org'], 'SCOPE_SPELLING'],
  [[], 'SCOPE_SPELLING'],
])('refuses %j', async (args, code) => {
  const { code: exit, out } = await rename(...args);
  expect(exit).toBe(2);
  expect(out).toContain(code);
  expect(workspace.git('status', '--porcelain')).toBe('');
});

it('does not mix with changes of your own', async () => {
  workspace.json('package.json', (manifest) => ({ ...manifest, description: 'mine' }));
  expect((await rename('--scope=@my-org')).out).toContain('RENAME_TREE_DIRTY');
  workspace.git('checkout', '.');
});

it('changes nothing in a dry run', async () => {
  expect((await rename('--scope=@my-org', '--dry-run')).stdout).toContain('libs/money/package.json\n');
  expect(workspace.git('status', '--porcelain')).toBe('');
});

it('puts the samples under another scope, and they still work', async () => {
  const { code, out } = await rename('--scope=@my-org');
  expect(code, out).toBe(0);
  // git grep ends with 1 where it finds nothing.
  const left = await workspace.run('git', 'grep', '-l', '@acme/', '--', 'libs', 'apps', 'package-lock.json');
  expect(left).toMatchObject({ code: 1, stdout: '' });
}, 60_000);

it('is what Nx, tsc and the tests find', async () => {
  // What `npm install` would link.
  const modules = join(workspace.root, 'node_modules');
  rmSync(join(modules, '@acme'), { recursive: true });
  mkdirSync(join(modules, '@my-org'));
  for (const name of ['units', 'money', 'invoice', 'logger'])
    symlinkSync(join(workspace.root, 'libs', name), join(modules, '@my-org', name));
  const manifest = JSON.parse(readFileSync(join(workspace.root, 'libs/money/package.json'), 'utf8'));
  expect(manifest.name).toBe('@my-org/money');
  const tested = await workspace.run('vitest', 'run', 'libs', 'apps');
  expect(tested.code, tested.out).toBe(0);
  const typed = await workspace.run('nx', 'run-many', '-t', 'typecheck', '--projects=money,invoice,api');
  expect(typed.code, typed.out).toBe(0);
});
