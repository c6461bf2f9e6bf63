import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startVerdaccio, type TestVerdaccio } from '../src/testing/verdaccio.ts';
import { FreshWorkspace, NX } from './fresh-workspace.ts';
import { must, publishFolder, run, stagePlugin } from './published-plugin.ts';

const MINUTES = 60_000;
let folder: string;
let registry: TestVerdaccio | undefined;
let offline: string | undefined;
let env: Record<string, string>;

beforeAll(async () => {
  offline = await FreshWorkspace.offline();
  folder = await mkdtemp(join(tmpdir(), 'sluice-preset-'));
  if (offline) return;
  registry = await startVerdaccio();
  await stagePlugin(join(folder, 'plugin'));
  await publishFolder(join(folder, 'plugin'), registry);
  const npmrc = join(folder, 'user.npmrc');
  await writeFile(npmrc, `@sluice:registry=${registry.url}\naudit=false\nfund=false\nloglevel=error\n`);
  env = { npm_config_userconfig: npmrc, SLUICE_LOCAL_LINGER_MS: '0' };
}, 5 * MINUTES);
afterAll(async () => {
  await registry?.close();
  await rm(folder, { recursive: true, force: true });
});

describe('create-nx-workspace --preset=@sluice/nx', { timeout: 8 * MINUTES }, () => {
  beforeEach(({ skip }) => skip(offline !== undefined, offline));
  const root = () => join(folder, 'my-org');
  const inside = (file: string, ...args: string[]) => must(file, args, { cwd: root(), env });
  const git = (...args: string[]) =>
    inside(
      'git',
      '-c',
      'user.name=Ada',
      '-c',
      'user.email=ada@example.com',
      '-c',
      'commit.gpgsign=false',
      ...args,
    );

  it('makes the whole workspace', async () => {
    const flags = [
      '--preset=@sluice/nx',
      '--nxCloud=skip',
      '--packageManager=npm',
      '--skipGit',
      '--interactive=false',
    ];
    await must('npx', ['--yes', `create-nx-workspace@${NX}`, 'my-org', ...flags], { cwd: folder, env });
    const manifest = JSON.parse(await readFile(join(root(), 'libs/money/package.json'), 'utf8'));
    expect(manifest.name).toBe('@my-org/money');
  });

  it('is a workspace whose checks pass', async () => {
    await git('init', '-q', '-b', 'main');
    await git('add', '.');
    await git('commit', '-qm', 'feat: begin');
    await inside('npm', 'test');
    await inside('npm', 'run', 'typecheck');
    await inside('npx', 'nx', 'sync:check');
    expect(await inside('git', 'status', '--porcelain')).toBe('');
  });

  it('publishes and promotes its packages', async () => {
    await inside('npx', 'nx', 'run-many', '-t', 'publish-registry', '--projects=tag:npm:public');
    await inside('npx', 'nx', 'run-many', '-t', 'promote', '-c', 'test', '--projects=money,units');
    const { stdout } = await run('npx', ['sluice', 'status', '--json'], { cwd: root(), env });
    const { packages } = JSON.parse(stdout) as {
      packages: { project: string; stages: { stage: string; version?: string }[] }[];
    };
    const money = packages.find(({ project }) => project === 'money');
    expect(money?.stages.find(({ stage }) => stage === 'test')?.version).toBe('1.0.0');
  });
});
