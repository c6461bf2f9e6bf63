import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { History } from './testing/history.ts';
import { TOOLS } from './testing/tools.ts';

const NAMES = Object.keys(TOOLS) as (keyof typeof TOOLS)[];

/** What every versioning tool has to do on the same history; each test stands on the one before. */
describe.each(NAMES)('a release with %s', { timeout: 120_000 }, (name) => {
  let history: History;
  beforeAll(async () => {
    history = await History.start(name);
  });
  afterAll(() => history.flow.close());

  it('publishes the versions as they stand, the first time, and tags them', async () => {
    const { bumps, results } = await history.release({ firstRelease: true });
    expect(bumps).toEqual([]);
    expect(results.map(({ success, version }) => `${version} ${success}`)).toEqual(
      Array.from({ length: 3 }, () => '1.0.0 true'),
    );
    expect(history.tags()).toEqual(['logger@1.0.0', 'money@1.0.0', 'units@1.0.0']);
    expect(history.flow.git('status', '--porcelain')).toBe('');
    history.push();
  });

  it('has nothing to release where nothing was changed', async () => {
    const before = history.state();
    expect(await history.release()).toEqual({ bumps: [], results: [] });
    await history.change('logger', 'docs', 'a word');
    await history.flow.write({ 'libs/logger/notes.txt': 'what no tool understands' });
    history.commit('Whatever this is');
    history.push();
    const after = history.state();
    expect(await history.release()).toEqual({ bumps: [], results: [] });
    expect(history.state()).toBe(after);
    expect(before).not.toBe(after);
  });

  it('says versions and notes in a dry run, and changes nothing', async () => {
    await history.change('units', 'feat', 'dozens are counted');
    const before = history.state();
    const { bumps, results } = await history.release({ dryRun: true });
    expect(bumps.map(({ project, from, to }) => [project, from, to])).toEqual([
      ['units', '1.0.0', '1.1.0'],
      ['money', '1.0.0', '1.0.1'],
    ]);
    expect(bumps[0]?.notes).toContain('dozens are counted');
    expect(bumps[1]?.notes).not.toContain('dozens are counted');
    expect(results.map(({ name: one, version }) => `${one}@${version}`)).toEqual([
      '@acme/units@1.1.0',
      '@acme/money@1.0.1',
    ]);
    expect(history.state()).toBe(before);
    expect((await history.in('github', 'units')).versions).toEqual(['1.0.0']);
  });

  it('makes a commit and no tag where the first stage fails, and goes on from there', async () => {
    const proxy = history.flow.proxy('github');
    const commits = Number(history.flow.git('rev-list', '--count', 'HEAD'));
    proxy.rules.push({ method: 'PUT', times: Infinity, fault: { do: 'answer', status: 403 } });
    const stopped = await history.release();
    proxy.rules.length = 0;
    expect(stopped.results.map(({ success }) => success)).toEqual([false, false]);
    expect(history.tags()).toHaveLength(3);
    const { bumps, results } = await history.release();
    expect(bumps).toEqual([]);
    expect(results.map(({ success }) => success)).toEqual([true, true]);
    expect(history.tags()).toEqual(expect.arrayContaining(['units@1.1.0', 'money@1.0.1']));
    expect(Number(history.flow.git('rev-list', '--count', 'HEAD'))).toBe(commits + 1);
    history.push();
  });

  it('wrote versions, ranges, lock file and changelogs into that one commit', async () => {
    expect(history.flow.git('status', '--porcelain')).toBe('');
    expect(await history.read('libs/units/package.json')).toMatchObject({ version: '1.1.0' });
    const money = { version: '1.0.1', dependencies: { '@acme/units': '^1.1.0' } };
    expect(await history.read('libs/money/package.json')).toMatchObject(money);
    const { packages } = await history.read('package-lock.json');
    expect(packages['libs/units']).toMatchObject({ version: '1.1.0' });
    expect(packages['libs/money']).toMatchObject(money);
    expect(packages['libs/logger']).toMatchObject({ version: '1.0.0' });
    const changelog = await history.read('libs/units/CHANGELOG.md');
    expect(changelog).toContain('1.1.0');
    expect(changelog.split('dozens are counted')).toHaveLength(2);
    expect(await history.read('libs/money/CHANGELOG.md')).toContain('1.0.1');
    expect(history.flow.git('rev-list', '-1', 'units@1.1.0')).toBe(history.flow.git('rev-parse', 'HEAD'));
  });

  it('adds to a changelog, and loses nothing of it', async () => {
    await history.change('units', 'fix', 'halves are rounded');
    await history.change('logger', 'feat', 'colours');
    await history.release();
    const changelog: string = await history.read('libs/units/CHANGELOG.md');
    expect(changelog.indexOf('1.1.1')).toBeGreaterThan(-1);
    expect(changelog.indexOf('halves are rounded')).toBeLessThan(changelog.indexOf('dozens are counted'));
    expect(history.tags()).toEqual(expect.arrayContaining(['units@1.1.1', 'money@1.0.2', 'logger@1.1.0']));
    history.push();
  });

  it('gives prereleases a dist-tag of their own', async () => {
    if (history.tool.prereleaseBranch) history.flow.git('switch', '--quiet', '--create', 'beta');
    await history.change('logger', 'feat', 'levels have names');
    const { bumps } = await history.release({ preid: 'beta' });
    expect(bumps.map(({ project }) => project)).toEqual(['logger']);
    const { tags } = await history.in('github', 'logger');
    expect(tags).toMatchObject({ latest: '1.1.0', beta: expect.stringMatching(/^1\.2\.0-beta\.[01]$/) });
    expect(history.tags()).toContain(`logger@${tags['beta']}`);
    await history.change('logger', 'fix', 'no level is lost');
    const [next] = (await history.release({ preid: 'beta' })).bumps;
    expect(next?.to).toMatch(/^1\.2\.0-beta\.[12]$/);
    expect(next?.to).not.toBe(tags['beta']);
    expect((await history.in('github', 'logger')).tags).toMatchObject({ latest: '1.1.0', beta: next?.to });
  });

  it('mends an older line on a branch of its own, and leaves latest where it is', async () => {
    history.flow.git('switch', '--quiet', '--create', '1.0.x', 'logger@1.0.0');
    await history.change('logger', 'fix', 'no line is lost');
    const { bumps, results } = await history.release();
    expect(bumps.map(({ name: one, to }) => `${one} ${to}`)).toEqual(['@acme/logger 1.0.1']);
    expect(results.map(({ success }) => success)).toEqual([true]);
    const { versions, tags } = await history.in('github', 'logger');
    expect(versions).toContain('1.0.1');
    expect(tags).toMatchObject({ latest: '1.1.0' });
  });
});
