import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readJson } from '@nx/devkit';
import { FsTree } from '@nx/devkit/internal';
import { rcompare } from 'semver';
import { afterEach, describe, expect, it } from 'vitest';
import type { VersioningName } from '../../pipeline/types.ts';
import { History } from '../../versioning/testing/history.ts';
import { TOOLS } from '../../versioning/testing/tools.ts';
import versioning from './generator.ts';

let history: History;
afterEach(() => history.flow.close());

/** Runs the generator on the files themselves, and commits what it wrote. */
async function switchTo(tool: VersioningName): Promise<string[]> {
  const tree = new FsTree(history.flow.root, false);
  const after = await versioning(tree, { tool, skipPackageJson: true, skipFormat: true });
  const changes = tree.listChanges();
  for (const { path, content } of changes) {
    const file = join(history.flow.root, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content ?? '');
  }
  await after();
  history.tool = TOOLS[tool];
  history.flow.git('add', '.');
  history.flow.git('commit', '--quiet', '--allow-empty', '--message', `chore: ${tool} says the versions`);
  history.push();
  return changes.map(({ path }) => path).toSorted();
}

it('begins before the first commit, and a package that was never released goes out as it stands', async () => {
  history = await History.start('release-it');
  const { flow } = history;
  expect(await switchTo('changesets')).toEqual(['.changeset/config.json', 'nx.json']);
  await rm(join(flow.root, '.git'), { recursive: true });
  flow.git('init', '--quiet', '--initial-branch=trunk');
  await rm(join(flow.root, '.changeset'), { recursive: true });
  const tree = new FsTree(flow.root, false);
  await versioning(tree, { tool: 'changesets', skipPackageJson: true, skipFormat: true });
  expect(readJson(tree, '.changeset/config.json')).toMatchObject({ baseBranch: 'trunk' });
}, 60_000);

describe('switching on a history', { timeout: 120_000 }, () => {
  it('loses no version and no changelog, from tool to tool', async () => {
    history = await History.start('changesets');
    await history.release({ firstRelease: true });
    const said = ['one', 'two', 'three', 'four'];
    const versions = ['1.1.0', '1.2.0', '1.3.0', '1.4.0'];

    await history.change('units', 'feat', 'one');
    await history.release();
    expect(await switchTo('semantic-release')).toEqual([
      '.releaserc.json',
      'libs/logger/.releaserc.json',
      'libs/money/.releaserc.json',
      'libs/units/.releaserc.json',
      'nx.json',
    ]);
    expect(await history.read('libs/units/.releaserc.json')).toMatchObject({ tagFormat: 'units@${version}' });
    await history.change('units', 'feat', 'two');
    await history.release();
    expect(await switchTo('release-it')).toContain('libs/units/.release-it.json');
    await history.change('units', 'feat', 'three');
    await history.release();
    // Not released by the tool that read it in a commit: the next one gets it as a changeset.
    await history.change('units', 'feat', 'four');
    const written = await switchTo('changesets');
    expect(written).toEqual(['.changeset/since-the-last-release-units.md', 'nx.json']);
    await history.release();

    const tags = history.tags().filter((tag) => tag.startsWith('units@'));
    expect(tags.toSorted()).toEqual(['1.0.0', ...versions].map((version) => `units@${version}`));
    const { versions: published } = await history.in('github', 'units');
    expect(published.toSorted(rcompare)).toEqual(['1.0.0', ...versions].toReversed());
    const changelog: string = await history.read('libs/units/CHANGELOG.md');
    const places = versions.map((version) => changelog.indexOf(`## ${version}`));
    expect(places).toEqual(places.toSorted((a, b) => b - a));
    expect(places).not.toContain(-1);
    for (const text of said) expect(changelog.split(text)).toHaveLength(2);
    expect(await switchTo('changesets')).toEqual([]);
  });

  it('counts on from tags of another form, and from tags that are ahead of package.json', async () => {
    history = await History.start('changesets');
    const { flow } = history;
    flow.git('tag', '@acme/units@1.4.0');
    flow.git('tag', 'money-v1.0.0');
    flow.git('tag', 'v1.0.0');
    await switchTo('nx');
    expect(await history.read('libs/units/package.json')).toMatchObject({ version: '1.4.0' });
    expect(await history.read('nx.json')).toMatchObject({
      release: { git: { tag: false }, releaseTag: { pattern: '{projectName}@{version}' } },
    });
    const own = history.tags().filter((tag) => /^(units|money|logger)@/.test(tag));
    expect(own).toEqual(['logger@1.0.0', 'money@1.0.0', 'units@1.0.0', 'units@1.4.0']);
    expect(flow.git('rev-list', '-1', 'units@1.4.0')).toBe(flow.git('rev-list', '-1', '@acme/units@1.4.0'));
    const before = history.state();
    expect(await switchTo('nx')).toEqual([]);
    expect(history.tags()).toEqual(before.split('\n').slice(1, -1));
  });

  it('refuses what the next tool would never read of, and a workspace without the plugin', async () => {
    history = await History.start('changesets');
    await history.change('units', 'feat', 'waiting');
    await expect(switchTo('release-it')).rejects.toThrow(
      /VERSIONING_PENDING: changesets .*\.changeset\/change-1\.md/,
    );
    await history.json('nx.json', (nxJson) => ({ ...nxJson, plugins: [] }));
    await expect(switchTo('release-it')).rejects.toThrow('PLUGIN_NOT_REGISTERED');
  });
});
