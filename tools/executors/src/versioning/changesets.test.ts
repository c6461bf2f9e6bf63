import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { History } from './testing/history.ts';

/** What changesets has that the others have not; each test stands on the one before. */
describe("changesets' own", { timeout: 60_000 }, () => {
  let history: History;
  beforeAll(async () => {
    history = await History.start('changesets');
    await history.json('.changeset/config.json', (config) => ({
      ...config,
      fixed: [['@acme/units', '@acme/logger']],
      snapshot: { prereleaseTemplate: '{tag}.{datetime}' },
    }));
    history.commit('chore: a fixed group');
    await history.release({ firstRelease: true });
  });
  afterAll(() => history.flow.close());
  const changeset = (...args: string[]) =>
    execFileSync(join(history.flow.root, 'node_modules/.bin/changeset'), args, {
      cwd: history.flow.root,
      env: history.flow.env,
      stdio: 'pipe',
    });

  it('fixed groups have one version', async () => {
    await history.change('units', 'feat', 'dozens');
    const { bumps } = await history.release();
    expect(bumps.map(({ project, to }) => `${project} ${to}`).toSorted()).toEqual([
      'logger 1.1.0',
      'money 1.0.1',
      'units 1.1.0',
    ]);
    const notes = bumps.map(({ project, notes: text }) => [project, text]);
    expect(Object.fromEntries(notes)).toMatchObject({
      logger: 'The version that its group has now; nothing was changed.\n',
      money: expect.stringContaining('@acme/units 1.1.0'),
      units: '- dozens\n',
    });
  });

  it('linked packages go on from the highest of their versions, and only where they changed', async () => {
    await history.json('.changeset/config.json', (config) => ({
      ...config,
      fixed: [],
      linked: [['@acme/money', '@acme/logger']],
    }));
    await history.change('money', 'fix', 'pennies');
    const { bumps } = await history.release();
    expect(bumps.map(({ project, from, to }) => `${project} ${from} ${to}`)).toEqual(['money 1.0.1 1.1.1']);
    expect((await history.in('github', 'money')).tags).toMatchObject({ latest: '1.1.1' });
  });

  it('pre mode ends with the version that it announced', async () => {
    await history.change('money', 'feat', 'currencies');
    expect((await history.release({ preid: 'beta' })).bumps[0]?.to).toBe('1.2.0-beta.0');
    changeset('pre', 'exit');
    history.commit('chore: no more prereleases');
    const { bumps } = await history.release();
    expect(bumps.map(({ project, to }) => `${project} ${to}`)).toContain('money 1.2.0');
    expect((await history.in('github', 'money')).tags).toMatchObject({
      latest: '1.2.0',
      beta: '1.2.0-beta.0',
    });
    expect(await history.read('libs/money/CHANGELOG.md')).toContain('## 1.2.0-beta.0');
  });

  it('snapshots are published under a dist-tag of their own', async () => {
    await history.change('money', 'feat', 'rates');
    changeset('version', '--snapshot', 'canary');
    history.commit('chore: a snapshot');
    const { bumps, results } = await history.release();
    expect(bumps).toEqual([]);
    expect(results.map(({ success }) => success)).toEqual([true]);
    expect((await history.in('github', 'money')).tags).toMatchObject({
      latest: '1.2.0',
      canary: expect.stringMatching(/^0\.0\.0-canary\.\d+$/),
    });
  });
});
