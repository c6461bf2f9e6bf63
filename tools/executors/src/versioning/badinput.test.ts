import { chmod, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseOptions } from '../pipeline/index.ts';
import { commitOne, undoUnpublished } from './one.ts';
import type { Member } from './types.ts';
import type { ReleaseContext } from './semantic-release/commits.ts';
import { verifyConditions } from './semantic-release/plugin.ts';
import { History } from './testing/history.ts';
import { installed } from './tools.ts';
import { openWorkspace } from './workspace.ts';

const coded = (code: string) => expect.objectContaining({ code });

describe('what cannot be released', { timeout: 60_000 }, () => {
  let history: History;
  let start: string;
  beforeAll(async () => {
    history = await History.start('changesets');
    await history.release({ firstRelease: true });
    start = history.flow.git('rev-parse', 'HEAD');
  });
  afterAll(() => history.flow.close());
  /** Everything as after the first release, whatever a test did; only the registries remember. */
  beforeEach(() => {
    history.flow.git('switch', '--quiet', '--force', 'main');
    history.flow.git('reset', '--quiet', '--hard', start);
    history.flow.git('clean', '--quiet', '--force', '-d');
  });

  const changeset = (name: string) => ({
    '.changeset/a.md': `---\n'${name}': minor\n---\n\nSomething new\n`,
  });
  const use = async (versioning: string) => {
    await history.json('nx.json', (nxJson) => {
      nxJson.plugins[0].options.versioning = versioning;
      return nxJson;
    });
    history.commit(`chore: ${versioning}`);
  };
  const refused = async (code: string, options: Parameters<History['release']>[0] = {}) => {
    const before = history.state();
    await expect(history.release(options)).rejects.toEqual(coded(code));
    expect(history.state()).toBe(before);
  };

  it('a dirty tree; a dry run may have one', async () => {
    await history.flow.write({ 'libs/units/new.js': '' });
    await refused('RELEASE_DIRTY');
    expect(await history.release({ dryRun: true })).toEqual({ bumps: [], results: [] });
  });

  it('a changeset for a package that is gone', async () => {
    await history.flow.write(changeset('@acme/gone'));
    history.commit('feat: lost');
    await refused('CHANGESET_STRAY');
  });

  it('a prerelease under another name than the one that was begun', async () => {
    await history.flow.write({
      ...changeset('@acme/units'),
      '.changeset/pre.json': '{"mode":"pre","tag":"alpha"}',
    });
    history.commit('feat: alpha');
    await refused('PRERELEASE_ELSEWHERE', { preid: 'beta' });
  });

  it('a version in package.json that lags behind what was released', async () => {
    await history.json('libs/units/package.json', (manifest) => ({ ...manifest, version: '0.9.0' }));
    history.commit('chore: back');
    const error = await history.release().catch((thrown: Error) => thrown);
    expect(error).toMatchObject({
      code: 'VERSIONS_DISAGREE',
      next: expect.stringMatching(/npm version 1\.0\.0 .* then run the same command again$/),
    });
  });

  it('a tag that nothing else speaks of: it is right, or to be deleted', async () => {
    history.flow.git('tag', 'units@3.0.0');
    try {
      const error = await history.release().catch((thrown: Error) => thrown);
      expect(error).toMatchObject({
        code: 'VERSIONS_DISAGREE',
        message: expect.stringMatching(
          /1\.0\.0 in package\.json, 3\.0\.0 by its git tags, and 1\.0\.0 in github/,
        ),
        next: expect.stringMatching(/npm version 3\.0\.0 .*git tag --delete units@3\.0\.0\)$/),
      });
    } finally {
      history.flow.git('tag', '--delete', 'units@3.0.0');
    }
  });

  it('a lock file that its client cannot write: the tree is as it was', async () => {
    await rm(join(history.flow.root, 'package-lock.json'));
    await history.flow.write({ ...changeset('@acme/units'), 'pnpm-lock.yaml': 'lockfileVersion: "1"\n' });
    history.commit('feat: pnpm');
    const bin = join(history.flow.root, 'home/bin');
    await history.flow.write({ 'home/bin/pnpm': '#!/bin/sh\necho "no such protocol" >&2\nexit 1\n' });
    await chmod(join(bin, 'pnpm'), 0o755);
    const path = history.flow.env['PATH'];
    history.flow.env['PATH'] = `${bin}:${path}`;
    await refused('LOCK_FILE_STALE').finally(() => (history.flow.env['PATH'] = path));
    expect(history.flow.git('stash', 'list')).toContain('what a release wrote that failed before its commit');
  });

  it("yarn's first lock file names none of the workspace's packages, and nothing is asked of yarn", async () => {
    await rm(join(history.flow.root, 'package-lock.json'));
    await history.flow.write({ ...changeset('@acme/money'), 'yarn.lock': '# yarn lockfile v1\n' });
    history.commit('feat: yarn');
    expect((await history.release()).bumps.map(({ to }) => to)).toEqual(['1.1.0']);
  });

  it('a version that the first stage holds, and neither a tag nor a record here knows', async () => {
    await history.flow.write(changeset('@acme/logger'));
    history.commit('feat: levels');
    const there = history.flow.git('rev-parse', 'HEAD');
    expect((await history.release()).results[0]?.success).toBe(true);
    history.flow.git('reset', '--quiet', '--hard', there);
    history.flow.git('tag', '--delete', 'logger@1.1.0');
    await rm(join(history.flow.root, '.sluice/local/ledger.git'), { recursive: true });
    await refused('VERSION_TAKEN');
  });

  it('semantic-release: a branch that it does not release from, and a prerelease on the wrong one', async () => {
    await use('semantic-release');
    await history.flow.write({ 'libs/units/index.js': 'export const name = 1;\n' });
    history.commit('feat(units): a number');
    history.push();
    await refused('PRERELEASE_ELSEWHERE', { preid: 'beta' });
    history.flow.git('switch', '--quiet', '--create', 'feature');
    await refused('VERSIONING_FAILED');
  });

  it('semantic-release: versions that have no tag to count from', async () => {
    await use('semantic-release');
    for (const project of ['units', 'money', 'logger']) {
      await history.json(`libs/${project}/package.json`, (manifest) => ({ ...manifest, version: '2.0.0' }));
      history.flow.git('tag', '--delete', `${project}@1.0.0`);
    }
    history.commit('feat: two');
    history.flow.git('push', '--quiet', '--force', 'origin', 'HEAD:main');
    // semantic-release fetches what tags there are.
    history.flow.git('push', '--quiet', '--prune', 'origin', 'refs/tags/*:refs/tags/*');
    await refused('VERSION_BACKWARDS');
  });

  it('semantic-release: a tag of another form, and a folder that is no package', async () => {
    const release = (folder: string, tagFormat: string) =>
      ({
        cwd: join(history.flow.root, folder),
        env: history.flow.env,
        options: { tagFormat, repositoryUrl: '' },
      }) as ReleaseContext;
    const check = (folder: string, tagFormat: string) => verifyConditions({}, release(folder, tagFormat));
    await check('libs/units', 'units@${version}');
    await expect(check('libs/units', 'v${version}')).rejects.toEqual(coded('TAG_FORMAT'));
    await expect(check('.', 'v${version}')).rejects.toEqual(coded('NOT_IN_A_PACKAGE'));
  });

  it('one package whose publish failed: its commit is taken back where nothing got there', async () => {
    await history.flow.with(async (context) => {
      const workspace = await openWorkspace(context);
      const { project, name, root, version: from } = workspace.members[0] as Member;
      const bump = { project, name, root, from, to: '1.9.0', notes: '- new' };
      await commitOne(workspace, bump);
      expect(await history.read(`${root}/package.json`)).toMatchObject({ version: '1.9.0' });
      await undoUnpublished(context, workspace, bump);
    });
    expect(history.flow.git('rev-parse', 'HEAD')).toBe(start);
    expect(history.flow.git('status', '--porcelain')).toBe('');
  });
});

describe('a tool', () => {
  it('that there is not, is named with its path', () => {
    const options = { packages: { stages: [{ name: 'a' }] }, versioning: 'lerna' };
    expect(() => parseOptions(options)).toThrow(/versioning: .*nx.*changesets.*semantic-release.*release-it/);
  });
  it('that is not installed, is named with the command that installs it', async () => {
    const error = await installed('changesets', () => import('nobody-has-this' as string)).catch(
      (thrown: Error) => thrown,
    );
    expect(error).toMatchObject({
      code: 'VERSIONING_TOOL_MISSING',
      next: expect.stringContaining('npx nx g @sluice/nx:versioning changesets'),
    });
  });
});
