import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ProjectGraph, Tree } from '@nx/devkit';
import { readJson, readNxJson, writeJson } from '@nx/devkit';
import { createTreeWithEmptyWorkspace } from '@nx/devkit/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { registeredOptions } from '../nx-json.ts';
import { ALLOWED_SIGNERS } from './files.ts';
import init, { type Surroundings } from './generator.ts';

let tree: Tree;
beforeEach(() => {
  tree = createTreeWithEmptyWorkspace({ formatter: 'prettier' });
});

const nodes = (tags: string[], root: string, targets: string[], executor = 'nx:run-script') => ({
  [root]: {
    name: root,
    type: 'lib' as const,
    data: { root, tags, targets: Object.fromEntries(targets.map((target) => [target, { executor }])) },
  },
});
const around = (graph: ProjectGraph['nodes'] = {}, remote?: string): Surroundings => ({
  graph: async () => ({ nodes: graph, dependencies: {} }),
  remote: async () => remote,
  isDefaultRegistry: (address) => address === 'https://default.example.com',
});

describe('init', () => {
  it('registers the plugin and adds what it needs', async () => {
    await init(tree, { skipFormat: true }, around({}, 'github.com/acme/store'));
    expect(registeredOptions(readNxJson(tree) ?? {})).toEqual({
      packages: {
        stages: [
          { name: 'github', registry: 'https://npm.pkg.github.com', tokenEnv: 'GITHUB_TOKEN' },
          { name: 'public', gate: { approvals: 1 } },
        ],
      },
    });
    expect(tree.read('.sluice/allowed_signers', 'utf8')).toBe(ALLOWED_SIGNERS);
    expect(tree.read('.gitignore', 'utf8')).toContain('.sluice/local/\n');
    expect(readJson(tree, 'package.json').devDependencies).toMatchObject({ verdaccio: '^6.10.4' });
    expect(readJson(tree, 'package.json').overrides).toEqual({
      'verdaccio-audit': { 'node-fetch': '2.7.0' },
    });
  });

  it('leaves everything as it is when it runs again', async () => {
    await init(tree, {}, around());
    tree.write('.sluice/allowed_signers', 'somebody namespaces="sluice" ssh-ed25519 AAAA\n');
    const before = tree.listChanges().map(({ path, content }) => [path, content?.toString()]);
    await init(tree, {}, around({}, 'github.com/acme/store'));
    expect(tree.listChanges().map(({ path, content }) => [path, content?.toString()])).toEqual(before);
  });

  it('names the artifact another way where publishable projects have a build of their own', async () => {
    await init(tree, {}, around(nodes(['npm:public'], 'libs/a', ['build'])));
    expect(registeredOptions(readNxJson(tree) ?? {})?.['targets']).toEqual({ build: 'artifact' });
  });

  it.each([
    ['private projects', nodes(['npm:private'], 'apps/a', ['build'])],
    ['our own targets', nodes(['npm:public'], 'libs/a', ['build'], '@sluice/nx:build')],
  ])('does not mind %s', async (_, graph) => {
    await init(tree, {}, around(graph));
    expect(registeredOptions(readNxJson(tree) ?? {})?.['targets']).toBeUndefined();
  });

  it('writes nothing where an option is wrong', async () => {
    const before = tree.listChanges().length;
    const attempt = init(tree, { testRegistry: 'not a url' }, around());
    await expect(attempt).rejects.toThrow(
      /OPTIONS_REFUSED: .*\n.*packages\.stages\[0\]\.registry: must be a URL/,
    );
    expect(tree.listChanges()).toHaveLength(before);
  });

  it('infers the stages from what the workspace says already, and from what its packages say', async () => {
    writeJson(tree, 'package.json', { name: 'w', workspaces: ['libs/*'] });
    const publishConfig = { registry: 'https://default.example.com/', access: 'public' };
    writeJson(tree, 'libs/a/package.json', { name: '@acme/a', version: '1.0.0', publishConfig });
    tree.write(
      '.npmrc',
      '@acme:registry=https://npm.qa.example.com\n//npm.qa.example.com/:_authToken=${QA_TOKEN}\n',
    );
    await init(tree, { testRegistry: 'https://npm.test.example.com' }, around({}, 'github.com/acme/store'));
    const qa = { name: 'qa', registry: 'https://npm.qa.example.com', tokenEnv: 'QA_TOKEN', access: 'public' };
    expect(registeredOptions(readNxJson(tree) ?? {})).toMatchObject({
      packages: {
        stages: [qa, { name: 'test' }, { name: 'public', access: 'public', gate: { approvals: 1 } }],
      },
    });
  });

  it('makes an nx.json where there is none, and keeps the rest of the repository', async () => {
    const manifest = { name: 'plain', private: true, workspaces: ['packages/*'], scripts: { test: 'true' } };
    writeJson(tree, 'package.json', manifest);
    tree.delete('nx.json');
    tree.write('.gitignore', 'node_modules\n');
    await init(tree, {}, around());
    expect(registeredOptions(readNxJson(tree) ?? {})).toEqual({ packages: { stages: [{ name: 'public' }] } });
    expect(readJson(tree, 'package.json')).toMatchObject({
      ...manifest,
      devDependencies: { nx: expect.any(String) },
    });
    expect(tree.read('.gitignore', 'utf8')).toBe(
      'node_modules\n.sluice/local/\n.nx/cache\n.nx/workspace-data\n',
    );
  });

  it('pins what Verdaccio needs in the way of each package manager', async () => {
    tree.write('yarn.lock', '');
    await init(tree, {}, around());
    expect(readJson(tree, 'package.json').overrides).toBeUndefined();
    expect(readJson(tree, 'package.json').resolutions).toEqual({ '**/verdaccio-audit/node-fetch': '2.7.0' });
    tree.write('.yarnrc.yml', 'nodeLinker: node-modules\n');
    await init(tree, {}, around());
    expect(readJson(tree, 'package.json').resolutions).toMatchObject({
      'verdaccio-audit/node-fetch': '2.7.0',
    });
    tree.write('pnpm-workspace.yaml', '# ours\npackages:\n  - libs/*\n');
    await init(tree, {}, around());
    expect(tree.read('pnpm-workspace.yaml', 'utf8')).toBe(
      '# ours\npackages:\n  - libs/*\noverrides:\n  verdaccio-audit>node-fetch: 2.7.0\n',
    );
  });

  it('adds no dependencies where that is asked for', async () => {
    await init(tree, { skipPackageJson: true }, around());
    expect(readJson(tree, 'package.json').devDependencies).not.toHaveProperty('verdaccio');
  });
});

describe('the line that allowed_signers tells to type', () => {
  it('is a line that ssh-keygen takes for a signer', async () => {
    const home = await mkdtemp(join(tmpdir(), 'sluice-init-'));
    try {
      const run = (file: string, args: string[], input?: string) =>
        execFileSync(file, args, {
          cwd: home,
          env: { ...process.env, HOME: home, GIT_CONFIG_NOSYSTEM: '1' },
          input,
          encoding: 'utf8',
          stdio: ['pipe', 'pipe', 'ignore'],
        });
      run('git', ['config', '--global', 'user.email', 'ada@example.com']);
      run('mkdir', ['.ssh']);
      run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(home, '.ssh/id_ed25519')]);
      const told = /^# {3}(echo .*)$/m.exec(ALLOWED_SIGNERS)?.[1] ?? '';
      const line = run('sh', ['-c', told]);
      await writeFile(join(home, 'allowed'), `${ALLOWED_SIGNERS}${line}`);
      const signature = run(
        'ssh-keygen',
        ['-Y', 'sign', '-n', 'sluice', '-f', join(home, '.ssh/id_ed25519')],
        'text',
      );
      await writeFile(join(home, 'sig'), signature);
      const found = run('ssh-keygen', ['-Y', 'find-principals', '-f', 'allowed', '-s', 'sig'], 'text');
      expect(found.trim()).toBe('ada@example.com');
    } finally {
      await rm(home, { recursive: true, force: true });
    }
  });
});
