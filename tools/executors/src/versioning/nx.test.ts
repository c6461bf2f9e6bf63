import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { History } from './testing/history.ts';

it('nx takes version plans too, and uses them up', { timeout: 60_000 }, async () => {
  const history = await History.start('nx');
  try {
    await history.json('nx.json', (nxJson) => {
      delete nxJson.release.version.conventionalCommits;
      return { ...nxJson, release: { ...nxJson.release, versionPlans: true } };
    });
    await history.flow.write({
      '.nx/version-plans/dozens.md': '---\nunits: minor\n---\n\nDozens are counted\n',
    });
    // The test's workspace ignores all of .nx.
    history.flow.git('add', '--force', '.nx/version-plans');
    history.commit('docs: a plan');
    await history.release({ firstRelease: true });
    const { bumps } = await history.release();
    expect(bumps.map(({ project, to }) => `${project} ${to}`)).toEqual(['units 1.1.0', 'money 1.0.1']);
    expect(bumps[0]?.notes).toContain('Dozens are counted');
    expect(await history.read('libs/units/CHANGELOG.md')).toContain('Dozens are counted');
    expect(existsSync(join(history.flow.root, '.nx/version-plans/dozens.md'))).toBe(false);
    expect(history.flow.git('status', '--porcelain')).toBe('');
    expect(history.tags()).toContain('units@1.1.0');
  } finally {
    await history.flow.close();
  }
});
