import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NxWorkspace } from './nx-workspace.ts';

type Tarballs = { versions: Record<string, { dist: { integrity: string } }> };

/** The tools' own commands, in a real workspace; each test stands on the one before. */
describe('npx semantic-release in a workspace with Sluice', { timeout: 240_000 }, () => {
  let workspace: NxWorkspace;
  const tags = () => workspace.git('tag', '--list').split('\n').filter(Boolean);
  const read = (file: string) => readFileSync(join(workspace.root, file), 'utf8');
  const released = (project: string, env: NodeJS.ProcessEnv = {}) =>
    workspace.runWith(
      // From source there is no compiled plugin.
      { NODE_OPTIONS: '--conditions=@sluice/source', ...env },
      'sh',
      '-c',
      `cd libs/${project} && semantic-release --no-ci`,
    );

  beforeAll(async () => {
    workspace = await new NxWorkspace().start();
    const remote = join(workspace.folder, 'remote.git');
    execFileSync('git', ['init', '--quiet', '--bare', '--initial-branch=main', remote]);
    workspace.git('remote', 'add', 'origin', `file://${remote}`);
    workspace.json('nx.json', (nx) => {
      for (const entry of nx['plugins']) {
        if (!entry.options?.packages) continue;
        entry.options.versioning = 'semantic-release';
        for (const stage of entry.options.packages.stages) delete stage.gate;
      }
      return nx;
    });
    for (const project of ['units', 'money', 'invoice', 'logger'])
      writeFileSync(
        join(workspace.root, `libs/${project}/.releaserc.json`),
        JSON.stringify({
          branches: ['main'],
          repositoryUrl: `file://${remote}`,
          tagFormat: `${project}@\${version}`,
          // What money needs is in the first stage alone.
          plugins: [
            ['@sluice/nx/semantic-release', project === 'units' ? { channels: { latest: 'test' } } : {}],
          ],
        }),
      );
    workspace.commit('chore: semantic-release');
    const { code, out } = await workspace.run('sluice', 'release', '--first-release');
    expect(code, out).toBe(0);
    workspace.git('push', '--quiet', '--follow-tags', 'origin', 'HEAD');
  });
  afterAll(() => workspace.close());

  it('makes no tag where the first stage cannot be reached', async () => {
    workspace.change('units', 'feat(units): dozens');
    workspace.git('push', '--quiet', 'origin', 'HEAD');
    const before = tags();
    const { code, out } = await released('units', { SLUICE_GITHUB_REGISTRY: 'http://127.0.0.1:9' });
    expect(code).not.toBe(0);
    expect(out).toContain('REGISTRY_UNREACHABLE');
    expect(tags()).toEqual(before);
    expect(workspace.git('status', '--porcelain')).toBe('');
  });

  it('publishes and proves before the tag, and promotes along its channel', async () => {
    const { code, out } = await released('units');
    expect(code, out).toBe(0);
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

  it('gives a dependent a patch, because its range moved, and what did not change nothing', async () => {
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
});
