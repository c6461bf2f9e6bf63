import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Tree } from '@nx/devkit';
import { readJson, readNxJson, writeJson } from '@nx/devkit';
import { FsTree } from '@nx/devkit/internal';
import { createTreeWithEmptyWorkspace } from '@nx/devkit/testing';
import { transpileDeclaration } from 'typescript';
import { beforeEach, describe, expect, it } from 'vitest';
import { checkApi } from '../../api/index.ts';
import pack from './generator.ts';
import { nameOf } from './naming.ts';
import type { Looked, Surroundings } from './refused.ts';

describe('nameOf', () => {
  const siblings = [
    { name: '@acme/units', root: 'packages/units' },
    { name: '@acme/money', root: 'packages/money' },
    { name: '@other/x', root: 'libs/x' },
  ].map((one) => ({ ...one, project: one.root, kind: 'package' as const }));
  it.each([
    [{ name: 'tax' }, '@acme/tax', 'packages/tax'],
    [{ name: 'tax', scope: 'else' }, '@else/tax', 'packages/tax'],
    [{ name: '@mine/tax' }, '@mine/tax', 'packages/tax'],
    [{ name: 'tax', directory: './shared/tax/' }, '@acme/tax', 'shared/tax'],
  ])('%j is %s in %s', (schema, packageName, directory) => {
    expect(nameOf(schema, siblings)).toEqual({ packageName, projectName: 'tax', directory });
  });

  it('goes into libs where there is no package yet, and then needs a scope', () => {
    expect(nameOf({ name: 'tax', scope: '@acme' }, []).directory).toBe('libs/tax');
    expect(() => nameOf({ name: 'tax' }, [])).toThrow(expect.objectContaining({ code: 'SCOPE_MISSING' }));
  });

  it.each([
    { name: 'Tax' },
    { name: '' },
    { name: '../tax' },
    { name: 'tax', scope: '@A c' },
    { name: 'x'.repeat(220) },
  ])('refuses %j', (schema) => {
    expect(() => nameOf(schema, siblings)).toThrow(expect.objectContaining({ code: 'PACKAGE_SPELLING' }));
  });
});

describe('the generator', () => {
  let tree: Tree;
  beforeEach(() => {
    tree = createTreeWithEmptyWorkspace({ formatter: 'prettier' });
    writeJson(tree, 'package.json', { name: 'w', license: 'MIT', workspaces: ['libs/*'] });
  });

  it('writes a package that Nx, npm and tsc take', async () => {
    await pack(tree, { name: 'money-utils', scope: '@acme', description: 'Says "money".' });
    expect(readJson(tree, 'libs/money-utils/package.json')).toMatchObject({
      name: '@acme/money-utils',
      version: '0.1.0',
      description: 'Says "money".',
      license: 'MIT',
      nx: { name: 'money-utils' },
    });
    expect(readJson(tree, 'libs/money-utils/tsconfig.lib.json').extends).toBe('../../tsconfig.base.json');
    expect(tree.children('libs/money-utils').sort()).toEqual([
      'README.md',
      'api.txt',
      'package.json',
      'src',
      'tsconfig.json',
      'tsconfig.lib.json',
      'tsconfig.spec.json',
    ]);
    expect(tree.children('libs/money-utils/src').sort()).toEqual(['index.test.ts', 'index.ts']);
    expect(tree.read('libs/money-utils/README.md', 'utf8')).toContain('# @acme/money-utils');
    expect(tree.read('libs/money-utils/README.md', 'utf8')).toContain(
      '`npx nx run money-utils:api-check --update` says that it is meant.\n',
    );
  });

  it('writes down the public API that the compiler finds in it', async () => {
    await pack(tree, { name: 'tax', scope: '@acme' });
    const folder = await mkdtemp(join(tmpdir(), 'sluice-package-'));
    try {
      const source = tree.read('libs/tax/src/index.ts', 'utf8') ?? '';
      await mkdir(join(folder, 'libs/tax/dist'), { recursive: true });
      await writeFile(join(folder, 'libs/tax/package.json'), tree.read('libs/tax/package.json') ?? '');
      await writeFile(join(folder, 'libs/tax/dist/index.d.ts'), transpileDeclaration(source, {}).outputText);
      await symlink(join(import.meta.dirname, '../../../../../node_modules'), join(folder, 'node_modules'));
      const report = await checkApi({
        workspaceRoot: folder,
        root: 'libs/tax',
        project: 'tax',
        update: true,
      });
      expect(report.api).toBe(tree.read('libs/tax/api.txt', 'utf8'));
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('leaves the public API alone where that is said, and begins with it in an adopted package', async () => {
    await pack(tree, { name: 'tax', scope: '@acme', api: false });
    expect(tree.exists('libs/tax/api.txt')).toBe(false);
    expect(tree.read('libs/tax/README.md', 'utf8')).not.toContain('api');
    await pack(tree, { name: 'tax', scope: '@acme', api: true });
    expect(tree.read('libs/tax/api.txt', 'utf8')).toBe('// The public API of @acme/tax\n');
  });

  it('lets the workspace know and compile it', async () => {
    await pack(tree, { name: 'tax', scope: '@acme', directory: 'shared/tax' });
    expect(readJson(tree, 'package.json')).toMatchObject({
      workspaces: ['libs/*', 'shared/tax'],
      devDependencies: { typescript: '~6.0.3' },
    });
    expect(readNxJson(tree)?.plugins?.[0]).toMatchObject({
      plugin: '@nx/js/typescript',
      options: { build: { targetName: 'compile' } },
    });
    expect(readJson(tree, 'tsconfig.json').references).toEqual([{ path: './shared/tax' }]);
  });

  it("keeps the workspace's own way of compiling", async () => {
    const plugins = [{ plugin: '@nx/js/typescript', options: { build: { targetName: 'build' } } }];
    writeJson(tree, 'nx.json', { plugins });
    writeJson(tree, 'tsconfig.base.json', { compilerOptions: { strict: true } });
    await pack(tree, { name: 'tax', scope: '@acme' });
    expect(readNxJson(tree)?.plugins).toEqual(plugins);
    expect(readJson(tree, 'tsconfig.base.json')).toEqual({ compilerOptions: { strict: true } });
    expect(readJson(tree, 'package.json').workspaces).toEqual(['libs/*']);
  });

  it('takes over the scope and the folder of the packages here', async () => {
    writeJson(tree, 'package.json', { name: 'w', workspaces: ['packages/*'] });
    await pack(tree, { name: 'first', scope: '@acme', directory: 'packages/first' });
    await pack(tree, { name: 'second' });
    expect(readJson(tree, 'packages/second/package.json').name).toBe('@acme/second');
  });

  it('does not write over a package', async () => {
    await pack(tree, { name: 'tax', scope: '@acme' });
    const before = tree.read('libs/tax/package.json', 'utf8');
    await expect(pack(tree, { name: 'tax', scope: '@other' })).rejects.toThrow('FOLDER_TAKEN: libs/tax');
    expect(tree.read('libs/tax/package.json', 'utf8')).toBe(before);
  });

  it('changes nothing when it runs again', async () => {
    await pack(tree, { name: 'tax', scope: '@acme' });
    tree.write('libs/tax/src/index.ts', 'mine;\n');
    const changes = () => tree.listChanges().map(({ path, content }) => [path, content?.toString()]);
    const before = changes();
    await pack(tree, { name: 'tax', scope: '@acme' });
    expect(changes()).toEqual(before);
  });

  it('adopts one that is private yet, and keeps what it says', async () => {
    const old = { name: '@acme/tax', private: true, main: 'index.js', license: 'ISC' };
    writeJson(tree, 'libs/tax/package.json', old);
    await pack(tree, { name: 'tax', scope: '@acme' });
    const { private: _, ...rest } = old;
    expect(readJson(tree, 'libs/tax/package.json')).toEqual({ ...rest, version: '0.1.0' });
    expect(tree.children('libs/tax')).toEqual(['package.json']);
  });

  it('links it, so that others find it', async () => {
    const root = mkdtempSync(join(tmpdir(), 'sluice-package-'));
    try {
      const disk = (file: string, content: object) => {
        mkdirSync(dirname(join(root, file)), { recursive: true });
        writeFileSync(join(root, file), JSON.stringify(content));
      };
      disk('package.json', { name: 'w', private: true, workspaces: ['libs/*'] });
      disk('nx.json', {});
      disk('libs/tax/package.json', { name: '@acme/tax', version: '1.0.0', files: [], main: 'index.js' });
      const link = await pack(new FsTree(root, false), { name: 'tax', scope: '@acme', skipFormat: true });
      link();
      expect(realpathSync(join(root, 'node_modules/@acme/tax'))).toBe(realpathSync(join(root, 'libs/tax')));
    } finally {
      rmSync(root, { recursive: true });
    }
  });

  it('takes no name that another project has', async () => {
    writeJson(tree, 'libs/old/package.json', { name: '@acme/other', version: '1.0.0', nx: { name: 'tax' } });
    await expect(pack(tree, { name: 'tax', scope: '@acme' })).rejects.toMatchObject({
      code: 'PROJECT_TAKEN',
    });
    await expect(pack(tree, { name: 'other', scope: '@acme' })).rejects.toMatchObject({
      code: 'PROJECT_TAKEN',
    });
    expect(tree.exists('libs/tax')).toBe(false);
  });
});

describe('a name that a stage would not take', () => {
  const options = {
    packages: {
      stages: [{ name: 'github', registry: 'https://npm.pkg.github.com' }, { name: 'public' }],
    },
  };
  const around = (looked?: Looked[], remote = 'github.com/Acme/store'): Surroundings => ({
    remote: async () => remote,
    look: async () => looked,
  });
  let tree: Tree;
  beforeEach(() => {
    tree = createTreeWithEmptyWorkspace({ formatter: 'prettier' });
    writeJson(tree, 'package.json', { name: 'w', workspaces: ['libs/*'] });
    writeJson(tree, 'nx.json', { plugins: [{ plugin: '@sluice/nx/plugin', options }] });
  });
  const nothing = () => expect(tree.exists('libs/tax')).toBe(false);

  it('for its scope is refused with the scope that it takes', async () => {
    const attempt = pack(tree, { name: 'tax', scope: '@other' }, around());
    await expect(attempt).rejects.toThrow(
      /^NAME_REFUSED: stage "github" would refuse it: .*@acme.*@other\/tax\n.*\n {2}next: npx nx g @sluice\/nx:package tax --scope=@acme /,
    );
    nothing();
    await pack(tree, { name: 'tax', scope: '@other' }, around(undefined, 'git.example.com/acme/store'));
    expect(readJson(tree, 'libs/tax/package.json').name).toBe('@other/tax');
  });

  it('for its scope is taken where somebody insists, and that of the owner anyway', async () => {
    await pack(tree, { name: 'tax', scope: '@other', force: true }, around());
    await pack(tree, { name: 'fees', scope: '@acme' }, around([{ stage: 'public', versions: [] }]));
    expect(tree.exists('libs/tax') && tree.exists('libs/fees')).toBe(true);
  });

  it('because it has it already is refused', async () => {
    const looked = [
      { stage: 'github', versions: [], unasked: 'TOKEN_MISSING' },
      { stage: 'public', versions: ['1.0.0', '1.1.0'] },
    ];
    const attempt = pack(tree, { name: 'tax', scope: '@acme' }, around(looked));
    await expect(attempt).rejects.toThrow(/^NAME_TAKEN: stage "public" .*2 versions \(1\.1\.0\)/);
    nothing();
  });

  it.each([
    [{ name: 'w' }, 'PROJECT_TAKEN'],
    [{ name: 'dist' }, 'PACKAGE_NAME_RESERVED'],
    [{ name: 'nul.js' }, 'PACKAGE_NAME_RESERVED'],
    [{ name: 'tax', directory: '../tax' }, 'FOLDER_OUTSIDE'],
    [{ name: 'tax', directory: 'libs/../..' }, 'FOLDER_OUTSIDE'],
    [{ name: 'tax', directory: '/tax' }, 'FOLDER_OUTSIDE'],
    [{ name: 'tax', directory: '.' }, 'FOLDER_OUTSIDE'],
  ])('as %j is refused', async (schema, code) => {
    await expect(pack(tree, { scope: '@acme', ...schema }, around())).rejects.toMatchObject({ code });
    nothing();
  });

  it('leaves sources that are there already as they are', async () => {
    tree.write('libs/tax/src/index.ts', 'mine;\n');
    await pack(tree, { name: 'tax', scope: '@acme' }, around());
    expect(tree.read('libs/tax/src/index.ts', 'utf8')).toBe('mine;\n');
    expect(tree.exists('libs/tax/package.json')).toBe(true);
  });
});
