import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FreshWorkspace, NX } from './fresh-workspace.ts';
import { must } from './published-plugin.ts';

const MINUTES = 60_000;
const NOT_PUBLIC = 'https://npm.qa.example.com';
let offline: string | undefined;
let workspace: FreshWorkspace | undefined;

beforeAll(async () => {
  offline = await FreshWorkspace.offline();
});
afterEach(async () => {
  await workspace?.close();
  workspace = undefined;
});

/** A repository that knows nothing of Nx: two packages with scripts of their own, one of which needs the other. */
async function repository(range = '*'): Promise<FreshWorkspace> {
  workspace = await FreshWorkspace.begin();
  const pack = (name: string, more: object) =>
    JSON.stringify({
      name: `@acme/${name}`,
      version: '1.2.3',
      type: 'module',
      files: ['lib'],
      exports: './lib/index.js',
      scripts: { build: 'mkdir -p lib && cp src.js lib/index.js' },
      publishConfig: { registry: NOT_PUBLIC },
      ...more,
    });
  await workspace.write('packages/words/package.json', pack('words', {}));
  await workspace.write('packages/words/src.js', "export const word = 'hello';\n");
  const dependencies = { '@acme/words': range };
  await workspace.write('packages/says/package.json', pack('says', { dependencies }));
  await workspace.write(
    'packages/says/src.js',
    "import { word } from '@acme/words';\nexport const said = word;\n",
  );
  return workspace;
}

const stagesIn = async (made: FreshWorkspace) =>
  (await made.json('nx.json')).plugins.find((one: { plugin?: string }) => one.plugin === '@sluice/nx/plugin')
    .options.packages.stages as { name: string }[];

/** Builds, publishes and promotes in the local profile; the versions in the last stage. */
async function travelled(made: FreshWorkspace): Promise<Record<string, string | undefined>> {
  await made.commit('feat: begin');
  await made.nx('run-many', '-t', 'publish-registry');
  await made.nx('run-many', '-t', 'verify');
  const { stdout } = await made.run('npx', 'sluice', 'status', '--json');
  const { packages } = JSON.parse(stdout) as {
    packages: { project: string; stages: { stage: string; version?: string }[] }[];
  };
  return Object.fromEntries(
    packages.map(({ project, stages }) => [project, stages.find(({ stage }) => stage === 'qa')?.version]),
  );
}

describe('nx add @sluice/nx', { timeout: 6 * MINUTES }, () => {
  beforeEach(({ skip }) => skip(offline !== undefined, offline));

  it('puts it into a plain npm-workspaces repository, keeping what is there', async () => {
    const made = await repository();
    const manifest = {
      name: 'plain',
      version: '0.0.0',
      private: true,
      workspaces: ['packages/*'],
      scripts: { build: 'npm run build --workspaces', test: 'true' },
    };
    await made.write('package.json', JSON.stringify(manifest));
    const own = await made.text('.npmrc');
    await made.write('.npmrc', `${own}//npm.qa.example.com/:_authToken=\${QA_TOKEN}\n`);
    await made.must('npm', 'install', '--save-dev', `nx@${NX}`);
    const packages = await made.text('packages/says/package.json');
    await made.nx('add', '@sluice/nx');

    expect(await stagesIn(made)).toEqual([{ name: 'qa', registry: NOT_PUBLIC, tokenEnv: 'QA_TOKEN' }]);
    expect(await made.json('package.json')).toMatchObject(manifest);
    expect(await made.text('packages/says/package.json')).toBe(packages);
    expect(await travelled(made)).toEqual({ '@acme/says': '1.2.3', '@acme/words': '1.2.3' });
    const before = await made.text('nx.json');
    await made.nx('g', '@sluice/nx:init');
    expect(await made.text('nx.json')).toBe(before);

    // The same workspace, as it would be with the options of the first schema.
    const nxJson = JSON.parse(before);
    const at = nxJson.plugins.findIndex((one: { plugin?: string }) => one.plugin === '@sluice/nx/plugin');
    const { packages: second, ...options } = nxJson.plugins[at].options;
    nxJson.plugins[at] = { plugin: '@sluice/nx', options: { ...options, ...second } };
    await made.write('nx.json', JSON.stringify(nxJson));
    const migration = { package: '@sluice/nx', name: 'second-schema', version: '0.1.0' };
    await made.write('migrations.json', JSON.stringify({ migrations: [migration] }));
    // Else Nx would fetch the newest Nx to migrate with.
    made.env['NX_MIGRATE_USE_LOCAL'] = 'true';
    await made.nx('migrate', '--run-migrations=migrations.json');
    expect(JSON.parse(await made.text('nx.json'))).toEqual({
      ...JSON.parse(before),
      plugins: expect.any(Array),
    });
    expect(await stagesIn(made)).toEqual(second.stages);
  });

  it.each([
    { manager: 'pnpm', tool: 'pnpm@10', range: 'workspace:^', install: ['install', '--no-frozen-lockfile'] },
    { manager: 'yarn', tool: 'yarn@1.22.22', range: '^1.0.0', install: ['install'] },
  ])('puts it into a workspace of $manager', async ({ manager, tool, range, install }) => {
    const made = await repository(range);
    await must('npm', ['install', '--prefix', join(made.folder, 'tools'), '--loglevel=error', tool], {
      cwd: made.folder,
    });
    made.env['PATH'] = `${join(made.folder, 'tools/node_modules/.bin')}:${process.env['PATH']}`;
    const manifest = { name: 'fast', private: true, devDependencies: { nx: NX } };
    if (manager === 'pnpm') await made.write('pnpm-workspace.yaml', "packages:\n  - 'packages/*'\n");
    const workspaces = manager === 'pnpm' ? {} : { workspaces: ['packages/*'] };
    await made.write('package.json', JSON.stringify({ ...manifest, ...workspaces }));
    await made.write('nx.json', JSON.stringify({ analytics: false, neverConnectToCloud: true }));
    await made.must(manager, ...install);
    await made.must(manager, ...(manager === 'pnpm' ? ['exec', 'nx'] : ['nx']), 'add', '@sluice/nx');

    const pinned = await made.text(manager === 'pnpm' ? 'pnpm-workspace.yaml' : 'package.json');
    expect(pinned).toMatch(
      manager === 'pnpm' ? /verdaccio-audit>node-fetch/ : /"\*\*\/verdaccio-audit\/node-fetch"/,
    );
    expect(await stagesIn(made)).toEqual([{ name: 'qa', registry: NOT_PUBLIC }]);
    expect(await travelled(made)).toEqual({ '@acme/says': '1.2.3', '@acme/words': '1.2.3' });
  });
});
