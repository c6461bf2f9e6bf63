import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startVerdaccio, type TestVerdaccio } from '../src/testing/verdaccio.ts';
import { must, publishFolder, run, stagePlugin } from './published-plugin.ts';

/** Nx and TypeScript come from the client's default registry; the plugin from a Verdaccio, as anybody would install it. */
const NX = '23.2.1';
const MINUTES = 60_000;

let folder: string;
let workspace: string;
let registry: TestVerdaccio | undefined;
/** Why nothing can be installed here; then the tests are left out. */
let offline: string | undefined;

/** The local registries end with the command that needed them; what they hold stays. */
const env = { SLUICE_LOCAL_LINGER_MS: '0' };
const nx = (...args: string[]) => must('npx', ['nx', ...args], { cwd: workspace, env });
const sluice = (...args: string[]) => run('npx', ['sluice', ...args], { cwd: workspace, env });
const read = async (file: string) => JSON.parse(await readFile(join(workspace, file), 'utf8'));
const versionsIn = async (name: string) => {
  const { packages } = JSON.parse((await sluice('status', '--json')).stdout) as {
    packages: { project: string; stages: { stage: string; version?: string }[] }[];
  };
  return Object.fromEntries(
    packages.map(({ project, stages }) => [project, stages.find(({ stage }) => stage === name)?.version]),
  );
};
const targetsOf = async (project: string) =>
  JSON.parse(await nx('show', 'project', project, '--json')).targets;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-published-'));
  workspace = join(folder, 'workspace');
  const known = await run('npm', ['view', `nx@${NX}`, 'version', '--fetch-retries=0'], { cwd: folder });
  if (known.code !== 0) {
    offline = 'npm cannot reach its default registry';
    return;
  }
  registry = await startVerdaccio();
  await stagePlugin(join(folder, 'plugin'));
  await publishFolder(join(folder, 'plugin'), registry);
  await must('mkdir', [workspace], { cwd: folder });
  const manifest = {
    name: 'fresh',
    version: '0.0.0',
    private: true,
    license: 'MIT',
    workspaces: ['libs/*'],
    devDependencies: { nx: NX },
  };
  await writeFile(join(workspace, 'package.json'), JSON.stringify(manifest));
  await writeFile(
    join(workspace, 'nx.json'),
    JSON.stringify({ analytics: false, neverConnectToCloud: true }),
  );
  await writeFile(join(workspace, '.gitignore'), 'node_modules\ndist\n.nx\n');
  await writeFile(
    join(workspace, '.npmrc'),
    `@sluice:registry=${registry.url}\naudit=false\nfund=false\nloglevel=error\n`,
  );
  await must('git', ['init', '-q', '-b', 'main'], { cwd: workspace });
  await must('git', ['remote', 'add', 'origin', 'https://github.com/acme/fresh.git'], { cwd: workspace });
  await must('npm', ['install'], { cwd: workspace });
}, 10 * MINUTES);

afterAll(async () => {
  await registry?.close();
  await rm(folder, { recursive: true, force: true });
});

describe('the published plugin in a fresh workspace', { timeout: 5 * MINUTES }, () => {
  beforeEach(({ skip }) => skip(offline !== undefined, offline));

  it('is installed and set up by nx add', async () => {
    await nx('add', '@sluice/nx');
    const { plugins, release, targetDefaults } = await read('nx.json');
    expect(plugins).toEqual([
      {
        plugin: '@sluice/nx/plugin',
        options: {
          packages: {
            stages: [
              { name: 'github', registry: 'https://npm.pkg.github.com', tokenEnv: 'GITHUB_TOKEN' },
              { name: 'public', gate: { approvals: 1 } },
            ],
          },
        },
      },
    ]);
    expect(release.git.tag).toBe(false);
    expect(targetDefaults['nx-release-publish'].executor).toBe('@sluice/nx:publish-registry');
    expect((await read('package.json')).devDependencies).toHaveProperty('verdaccio');
  });

  it('adds a stage between the two', async () => {
    await nx(
      'g',
      '@sluice/nx:stage',
      'test',
      '--after=github',
      '--registry=https://npm.test.example.com',
      '--verify=install',
    );
    const { options } = (await read('nx.json')).plugins[0];
    expect(options.packages.stages.map((stage: { name: string }) => stage.name)).toEqual([
      'github',
      'test',
      'public',
    ]);
  });

  it('scaffolds packages, one of which needs the other', async () => {
    await nx('g', '@sluice/nx:package', 'words', '--scope=@acme');
    await nx('g', '@sluice/nx:package', 'report');
    const manifest = await read('libs/report/package.json');
    expect(manifest.name).toBe('@acme/report');
    await writeFile(
      join(workspace, 'libs/report/package.json'),
      JSON.stringify({ ...manifest, dependencies: { '@acme/words': '*' } }),
    );
    await writeFile(
      join(workspace, 'libs/report/src/index.ts'),
      "import { words as join } from '@acme/words';\nexport const words = (...parts: string[]): string => join(...parts);\n",
    );
    await must('npm', ['install'], { cwd: workspace });
    await nx('sync');
    const projects = JSON.parse(await nx('show', 'projects', '--json'));
    expect(projects.sort()).toEqual(['fresh', 'report', 'words']);
  });

  it('infers targets with a configuration for every stage', async () => {
    const targets = await targetsOf('report');
    expect(targets.promote).toMatchObject({
      executor: '@sluice/nx:promote',
      cache: false,
      dependsOn: ['^promote'],
      configurations: { github: {}, test: {}, public: {} },
    });
    expect(targets['nx-release-publish'].executor).toBe('@sluice/nx:publish-registry');
    expect(Object.keys(await targetsOf('fresh')).sort()).toEqual([
      'approve',
      'board',
      'doctor',
      'registries',
      'status',
      'verify',
    ]);
  });

  it("lets a project's own targets win", async () => {
    const before = await read('libs/words/package.json');
    const targets = { rollback: { command: 'echo mine' }, promote: { dependsOn: [] } };
    const file = join(workspace, 'libs/words/package.json');
    await writeFile(file, JSON.stringify({ ...before, nx: { ...before.nx, targets } }));
    const own = await targetsOf('words');
    await writeFile(file, JSON.stringify(before));
    expect(own.rollback).toMatchObject({ executor: 'nx:run-commands', options: { command: 'echo mine' } });
    expect(own.promote).toMatchObject({ executor: '@sluice/nx:promote', dependsOn: [] });
  });

  it('says by its path which option is wrong, without a stack', async () => {
    const nxJson = await readFile(join(workspace, 'nx.json'), 'utf8');
    await writeFile(join(workspace, 'nx.json'), nxJson.replace('"verify"', '"verfy"'));
    const { code, stdout, stderr } = await run('npx', ['nx', 'show', 'projects'], { cwd: workspace });
    await writeFile(join(workspace, 'nx.json'), nxJson);
    expect(code).not.toBe(0);
    expect(stdout + stderr).toContain('packages.stages[1].verfy: is not an option; did you mean "verify"?');
    expect(stdout + stderr).not.toMatch(/^\s+at /m);
  });

  it('builds the artifacts', async () => {
    await nx('run-many', '-t', 'typecheck', 'build');
    expect((await readdir(join(workspace, 'dist/artifacts/report'))).sort()).toContain('artifact.json');
    const artifact = await read('dist/artifacts/report/artifact.json');
    expect(artifact.workspaceDependencies['@acme/words'].version).toBe('0.1.0');
    expect(artifact.files.map((file: { path: string }) => file.path)).toContain('dist/index.js');
  });

  it('caches them by what is in them', async () => {
    const cached = async () => {
      const out = await nx('run', 'report:build', '--output-style=static');
      return out.includes('nx run report:build  [');
    };
    expect(await cached()).toBe(true);
    const file = join(workspace, 'libs/words/package.json');
    const manifest = JSON.parse(await readFile(file, 'utf8'));
    // Nx shares its cache between workspaces of one machine: only a version that never was is sure to be built.
    const version = `0.${Date.now()}.0`;
    await writeFile(file, JSON.stringify({ ...manifest, version }));
    expect(await cached()).toBe(false);
    expect(
      (await read('dist/artifacts/report/artifact.json')).workspaceDependencies['@acme/words'].version,
    ).toBe(version);
    await writeFile(file, JSON.stringify(manifest));
    expect(await cached()).toBe(true);
    expect(
      (await read('dist/artifacts/report/artifact.json')).workspaceDependencies['@acme/words'].version,
    ).toBe('0.1.0');
  });

  it('publishes and promotes them in the local profile, up to the closed gate', async () => {
    const as = (...args: string[]) =>
      must('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', ...args], { cwd: workspace });
    await as('add', '.');
    await as('commit', '-qm', 'feat: words');
    await nx('run-many', '-t', 'publish-registry');
    await nx('run-many', '-t', 'promote', '-c', 'test');
    expect(await versionsIn('test')).toEqual({ report: '0.1.0', words: '0.1.0' });

    const viaNx = await run('npx', ['nx', 'run-many', '-t', 'promote', '-c', 'public'], {
      cwd: workspace,
      env,
    });
    expect(viaNx.code).not.toBe(0);
    expect(viaNx.stdout + viaNx.stderr).toContain('GATE_CLOSED');
    expect((await sluice('promote', 'public')).code).toBe(3);
    expect(await versionsIn('public')).toEqual({ report: undefined, words: undefined });
    await nx('verify');
    expect(await sluice('board', '--output=board')).toMatchObject({ code: 0 });
    expect(await readFile(join(workspace, 'board/index.html'), 'utf8')).toContain('@acme/report');
  });
});
