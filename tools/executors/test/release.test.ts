import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NxWorkspace } from './nx-workspace.ts';

/** One workspace goes through its releases in order; each test stands on the one before. */
describe('nx release in a workspace with Sluice', { timeout: 240_000 }, () => {
  let workspace: NxWorkspace;
  beforeAll(async () => {
    workspace = await new NxWorkspace().start();
  });
  afterAll(() => workspace.close());
  const tags = () => workspace.git('tag', '--list').split('\n').filter(Boolean);

  it('makes no tag where the first stage cannot be reached', async () => {
    workspace.change('units', 'feat(units): one thing');
    const down = { SLUICE_GITHUB_REGISTRY: 'http://127.0.0.1:9' };
    const { code, out } = await workspace.runWith(down, 'nx', 'release', '--yes');
    expect(code).not.toBe(0);
    expect(out).toContain('REGISTRY_UNREACHABLE');
    expect(tags()).toEqual([]);
    expect(workspace.git('log', '-1', '--format=%s')).toMatch(/release/);
  });

  it('goes on where it stopped, and tags what is proved to be there', async () => {
    const { code, out } = await workspace.run('nx', 'release', 'publish');
    expect(code, out).toBe(0);
    expect(tags()).toEqual(['invoice@1.0.1', 'logger@1.0.0', 'money@1.0.1', 'units@1.1.0']);
    expect(workspace.git('rev-list', '-1', 'units@1.1.0')).toBe(workspace.git('rev-parse', 'HEAD'));
    expect((await workspace.packument('github', '@acme/units'))['dist-tags']).toMatchObject({
      latest: '1.1.0',
    });
  });

  it('changes nothing in a dry run', async () => {
    workspace.change('money', 'feat(money): another thing');
    const before = [workspace.git('rev-parse', 'HEAD'), ...tags(), workspace.git('status', '--porcelain')];
    const { code, out } = await workspace.run('nx', 'release', '--yes', '--dry-run');
    expect(code, out).toBe(0);
    expect(out).toContain('1.1.0');
    expect([workspace.git('rev-parse', 'HEAD'), ...tags(), workspace.git('status', '--porcelain')]).toEqual(
      before,
    );
    expect(await workspace.versions('github')).toMatchObject({ units: '1.1.0', money: '1.0.1' });
  });

  it('releases what changed and its dependents, dependencies first, with changelogs and tags', async () => {
    const { code, out } = await workspace.run('nx', 'release', '--yes');
    expect(code, out).toBe(0);
    expect(await workspace.versions('github')).toMatchObject({ money: '1.1.0', invoice: '1.0.2' });
    expect(tags()).toEqual(expect.arrayContaining(['money@1.1.0', 'invoice@1.0.2']));
    expect(workspace.git('show', 'HEAD:libs/money/CHANGELOG.md')).toContain('another thing');
    expect(workspace.git('status', '--porcelain')).toBe('');
  });

  it('releases nothing of a package that changed without getting a version, and leaves no stale artifact behind', async () => {
    workspace.change('logger', 'docs(logger): a word');
    workspace.change('invoice', 'fix(invoice): a cent');
    const { code, out } = await workspace.run('nx', 'release', '--yes');
    expect(code, out).toBe(0);
    const released = await workspace.versions('github');
    expect(released).toMatchObject({ logger: '1.0.0', invoice: '1.0.3' });
    workspace.git('checkout', '--quiet', 'HEAD~1');
    const older = await workspace.run('nx', 'run', 'invoice:build');
    workspace.git('checkout', '--quiet', 'main');
    expect(older.out).toContain('@acme/invoice@1.0.2');
  });

  it('gives a prerelease of one project its own dist-tag, although Nx leaves out the build then', async () => {
    workspace.change('logger', 'feat(logger): levels by name');
    const { code, out } = await workspace.run(
      'nx',
      'release',
      'prerelease',
      '--preid=beta',
      '--yes',
      '--projects=logger',
    );
    expect(code, out).toBe(0);
    const { 'dist-tags': found } = await workspace.packument('github', '@acme/logger');
    expect(found['beta']).toMatch(/^\d+\.\d+\.\d+-beta\.0$/);
    expect(tags()).toContain(`logger@${found['beta']}`);
  });

  it('works with version plans', async () => {
    workspace.json('nx.json', (nx) => {
      const release = nx['release'] as { version: Record<string, unknown> };
      const { conventionalCommits: _, ...version } = release.version;
      return { ...nx, release: { ...release, versionPlans: true, version } };
    });
    workspace.commit('chore: version plans instead of conventional commits');
    const planned = await workspace.run(
      'nx',
      'release',
      'plan',
      'minor',
      '--projects=units',
      '--message=Dozens',
      '--only-touched=false',
    );
    expect(planned.code, planned.out).toBe(0);
    workspace.commit('docs: a plan');
    const { code, out } = await workspace.run('nx', 'release', '--yes');
    expect(code, out).toBe(0);
    expect((await workspace.versions('github'))['units']).toBe('1.2.0');
    expect(tags()).toContain('units@1.2.0');
    expect(workspace.git('show', 'HEAD:libs/units/CHANGELOG.md')).toContain('Dozens');
  });
});
