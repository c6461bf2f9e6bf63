import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGitHub, type TestGitHub } from '../src/testing/github/index.ts';
import { NxWorkspace } from './nx-workspace.ts';

/** What the plugin for GitHub would say of pull requests and issues, of which there are none. */
const QUIET = { successCommentCondition: false, failCommentCondition: false };
type Tarballs = { versions: Record<string, { dist: { integrity: string } }> };

/** The tools' own commands, in a real workspace; each test stands on the one before. */
describe('the own commands of versioning tools', { timeout: 240_000 }, () => {
  let workspace: NxWorkspace;
  let github: TestGitHub;
  const tags = () => workspace.git('tag', '--list').split('\n').filter(Boolean);
  const read = (file: string) => readFileSync(join(workspace.root, file), 'utf8');
  const write = (file: string, content: object) =>
    writeFileSync(join(workspace.root, file), JSON.stringify(content));
  const inFolder = (project: string, command: string, env: NodeJS.ProcessEnv = {}) =>
    workspace.runWith(
      // From source there is no compiled plugin.
      { NODE_OPTIONS: '--conditions=@sluice/source', ...env },
      'sh',
      '-c',
      `cd libs/${project} && ${command}`,
    );
  const released = (project: string, env: NodeJS.ProcessEnv = {}) =>
    inFolder(project, 'semantic-release --no-ci', { GH_TOKEN: 'of-the-job', ...env });

  const setTool = (versioning: string) =>
    workspace.json('nx.json', (nx) => {
      for (const { options } of nx['plugins']) if (options?.packages) options.versioning = versioning;
      return nx;
    });
  const use = (versioning: string) => {
    setTool(versioning);
    workspace.commit(`chore: ${versioning} says the versions`);
  };

  beforeAll(async () => {
    workspace = await new NxWorkspace().start();
    const remote = workspace.addRemote();
    workspace.openGates();
    // Git goes to the folder, the plugin for GitHub to an API in small.
    const address = 'https://github.com/acme/platform.git';
    workspace.git('config', `url.file://${remote}.insteadOf`, address);
    github = await startGitHub();
    github.state.branches['main'] = { sha: workspace.git('rev-parse', 'HEAD') };
    setTool('semantic-release');
    for (const project of ['units', 'money', 'logger'])
      write(`libs/${project}/.releaserc.json`, {
        branches: ['main'],
        repositoryUrl: address,
        tagFormat: `${project}@\${version}`,
        // What money needs is in the first stage alone.
        plugins:
          project === 'units'
            ? [
                ['@sluice/nx/semantic-release', { channels: { latest: 'test' } }],
                ['@semantic-release/github', { githubApiUrl: github.url, ...QUIET }],
              ]
            : ['@sluice/nx/semantic-release'],
      });
    write('libs/invoice/.release-it.json', { plugins: { '@sluice/nx/release-it': {} } });
    workspace.commit('chore: tools');
    const { code, out } = await workspace.run('sluice', 'release', '--first-release');
    expect(code, out).toBe(0);
    workspace.git('push', '--quiet', '--follow-tags', 'origin', 'HEAD');
  });
  afterAll(async () => {
    await github.close();
    await workspace.close();
  });

  it('semantic-release: makes no tag where the first stage cannot be reached', async () => {
    workspace.change('units', 'feat(units): dozens');
    workspace.git('push', '--quiet', 'origin', 'HEAD');
    const before = tags();
    const { code, out } = await released('units', { SLUICE_GITHUB_REGISTRY: 'http://127.0.0.1:9' });
    expect(code).not.toBe(0);
    expect(out).toContain('REGISTRY_UNREACHABLE');
    expect(tags()).toEqual(before);
    expect(workspace.git('status', '--porcelain')).toBe('');
  });

  it('semantic-release: publishes and proves before the tag, and promotes along its channel', async () => {
    const { code, out } = await released('units');
    expect(code, out).toBe(0);
    expect(github.state.releases).toMatchObject([
      { tag: 'units@1.1.0', body: expect.stringContaining('dozens') },
    ]);
    expect(github.violations).toEqual([]);
    expect(tags()).toContain('units@1.1.0');
    expect(workspace.git('rev-list', '-1', 'units@1.1.0')).toBe(workspace.git('rev-parse', 'HEAD'));
    expect(workspace.git('ls-remote', 'origin', 'refs/heads/main')).toContain(
      workspace.git('rev-parse', 'HEAD'),
    );
    expect(JSON.parse(read('libs/units/package.json'))).toMatchObject({ version: '1.1.0' });
    expect(JSON.parse(read('package-lock.json')).packages['libs/units'].version).toBe('1.1.0');
    expect(read('libs/units/CHANGELOG.md')).toContain('dozens');
    const [first, second] = await Promise.all(
      ['github', 'test'].map((stage) => workspace.packument(stage, '@acme/units')),
    );
    const integrity = (packument: { versions: object } | undefined) =>
      (packument as Tarballs | undefined)?.versions['1.1.0']?.dist.integrity;
    expect(integrity(first)).toMatch(/^sha512-/);
    expect(integrity(second)).toBe(integrity(first));
  });

  it('semantic-release: gives a dependent a patch, because its range moved, and what did not change nothing', async () => {
    const money = await released('money');
    expect(money.code, money.out).toBe(0);
    expect(JSON.parse(read('libs/money/package.json'))).toMatchObject({
      version: '1.0.1',
      dependencies: { '@acme/units': '^1.1.0' },
    });
    expect(tags()).toContain('money@1.0.1');
    const before = tags();
    const logger = await released('logger');
    expect(logger.code, logger.out).toBe(0);
    expect(tags()).toEqual(before);
  });

  it('release-it: commits, publishes, proves, tags and pushes; a failure leaves nothing behind', async () => {
    use('release-it');
    workspace.change('invoice', 'fix(invoice): totals are rounded once');
    const before = workspace.git('rev-parse', 'HEAD');
    const down = await inFolder('invoice', 'release-it --ci', {
      SLUICE_GITHUB_REGISTRY: 'http://127.0.0.1:9',
    });
    expect(down.code).not.toBe(0);
    expect(down.out).toContain('REGISTRY_UNREACHABLE');
    expect(workspace.git('rev-parse', 'HEAD')).toBe(before);
    expect(workspace.git('status', '--porcelain')).toBe('');
    const { code, out } = await inFolder('invoice', 'release-it --ci');
    expect(code, out).toBe(0);
    expect(out).toContain('test: by promotion');
    expect(workspace.git('rev-list', '-1', 'invoice@1.0.1')).toBe(workspace.git('rev-parse', 'HEAD'));
    expect(workspace.git('ls-remote', 'origin')).toContain('refs/tags/invoice@1.0.1');
    expect(read('libs/invoice/CHANGELOG.md')).toContain('totals are rounded once');
    expect((await workspace.packument('github', '@acme/invoice'))['dist-tags']).toMatchObject({
      latest: '1.0.1',
    });
  });

  it('changesets: what a version pull request has written is published by sluice release', async () => {
    mkdirSync(join(workspace.root, '.changeset'));
    write('.changeset/config.json', {
      changelog: '@changesets/changelog-git',
      baseBranch: 'main',
      format: false,
    });
    writeFileSync(
      join(workspace.root, '.changeset/levels.md'),
      "---\n'@acme/logger': minor\n---\n\nLevels have names\n",
    );
    use('changesets');
    const version = await workspace.run('changeset', 'version');
    expect(version.code, version.out).toBe(0);
    workspace.commit('Version Packages');
    const plan = await workspace.run('sluice', 'release', '--dry-run', '--json');
    expect(JSON.parse(plan.stdout)).toMatchObject({
      bumps: [],
      results: [{ name: '@acme/logger', version: '1.1.0', status: 'planned' }],
    });
    const { code, out } = await workspace.run('sluice', 'release');
    expect(code, out).toBe(0);
    expect(workspace.git('rev-list', '-1', 'logger@1.1.0')).toBe(workspace.git('rev-parse', 'HEAD'));
    expect((await workspace.packument('github', '@acme/logger'))['dist-tags']).toMatchObject({
      latest: '1.1.0',
    });
    const again = await workspace.run('sluice', 'release');
    expect(again).toMatchObject({ code: 0, stdout: 'nothing to release\n' });
  });
});
