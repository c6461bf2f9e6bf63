import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openContext } from '../../promotion/context.ts';
import { everything } from '../testing/examine.ts';
import { openPatient } from '../patient.ts';
import { runChecks } from '../run.ts';
import { judgeInstalled, versioningChecks } from './checks.ts';
import { judgeNx, judgeReleaseIt, judgeSemanticRelease, judgeWaysPast } from './judge.ts';

const told = (finding: { verdict: string; said: string; next?: string } | undefined) =>
  finding && `${finding.verdict}: ${finding.said} -> ${finding.next ?? ''}`;

describe('a tool', () => {
  it('that is not installed is told with the command that installs it', () => {
    const nothing = (name: string): never => {
      throw new Error(name);
    };
    expect(judgeInstalled('changesets', nothing)).toMatchObject({
      verdict: 'problem',
      code: 'VERSIONING_TOOL_MISSING',
      next: expect.stringContaining('npx nx g @sluice/nx:versioning changesets'),
    });
    expect(judgeInstalled('nx', nothing).verdict).toBe('ok');
    expect(judgeInstalled('semantic-release').verdict).toBe('ok');
  });
});

describe('nx', () => {
  const ours = { 'nx-release-publish': { executor: '@sluice/nx:publish-registry' } };
  it.each([
    [{}, /^warning: .*@nx\/js.* -> npx nx g @sluice\/nx:init$/],
    [{ targetDefaults: { 'nx-release-publish': { executor: 'a:b' } } }, /^warning: .*publishes with a:b/],
    [{ targetDefaults: ours, release: {} }, /^warning: .*tag.* -> set release\.git\.tag/],
    [{ targetDefaults: ours, release: { git: { tag: false } } }, /^ok/],
  ])('%j', (nxJson, expected) => {
    expect(told(judgeNx(nxJson))).toMatch(expected);
  });
});

describe('semantic-release', () => {
  const judge = (config: Record<string, unknown>, folder = 'libs/a') =>
    told(judgeSemanticRelease(folder, { file: '.releaserc.json', config }, 'a@${version}'));
  const ours = '@sluice/nx/semantic-release';
  it.each([
    [{}, /^problem: .*default plugins.* -> put "@sluice\/nx\/semantic-release" into/],
    [{ plugins: ['@semantic-release/github'] }, /^problem: .*tags what was not published/],
    [
      { plugins: [ours, '@semantic-release/npm'] },
      /^problem: .*past the stages -> take "@semantic-release\/npm" out/,
    ],
    [{ plugins: [ours] }, /^problem: .*v\$\{version\}.* -> set "tagFormat": "a@\$\{version\}"/],
    [
      { plugins: [ours, ['@semantic-release/git', {}]], tagFormat: 'a@${version}' },
      /^warning: .*semantic-release\/git/,
    ],
    [{ plugins: [[ours, { channels: {} }]], tagFormat: 'a@${version}' }, /^nothing$/],
  ])('%j', (config, expected) => {
    expect(judge(config) ?? 'nothing').toMatch(expected);
  });
  it('at the root serves our own command, and is judged only by what publishes', () => {
    expect(judge({ plugins: ['@semantic-release/commit-analyzer'] }, '.')).toBeUndefined();
    expect(judge({ plugins: ['@semantic-release/npm'] }, '.')).toMatch(/^problem: \.releaserc\.json/);
  });
});

describe('release-it', () => {
  const ours = { '@sluice/nx/release-it': {} };
  it.each([
    [{}, /^problem: .*past the stages -> put "@sluice\/nx\/release-it"/],
    [{ npm: { publish: false } }, /^warning: .*tags what was not published/],
    [{ npm: { publish: true } }, /^problem/],
    [{ plugins: ours, npm: { publish: true } }, /^warning: .*npm\.publish.* -> take "publish" out/],
    [{ plugins: ours }, /^nothing$/],
  ])('%j', (config, expected) => {
    const said = told(judgeReleaseIt('libs/a', { file: '.release-it.json', config }));
    expect(said ?? 'nothing').toMatch(expected);
  });
});

describe('what passes by the stages', () => {
  it.each(['changeset publish', 'pnpm publish -r', 'npm publish', 'yarn npm publish', 'lerna publish'])(
    '%s',
    (command) => {
      expect(told(judgeWaysPast({ 'package.json': `tsc && ${command}` }))).toMatch(
        /^warning: package\.json runs ".*publish".* -> put npx sluice release in the place of/,
      );
    },
  );
  it('is no comment, and none of our own commands', () => {
    const text =
      '# npm publish was here\n- run: npx nx run-many -t publish-registry\n- run: npx sluice release\n';
    expect(judgeWaysPast({ 'release.yml': text }).verdict).toBe('ok');
  });
});

describe('the doctor', () => {
  let root: string;
  const write = async (files: Record<string, string | object>) => {
    for (const [file, content] of Object.entries(files)) {
      await mkdir(dirname(join(root, file)), { recursive: true });
      await writeFile(join(root, file), typeof content === 'string' ? content : JSON.stringify(content));
    }
  };
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'sluice-doctor-versioning-'));
    const who = ['-c', 'user.name=Ada', '-c', 'user.email=ada@acme.example', '-c', 'commit.gpgsign=false'];
    execFileSync('git', ['init', '-q'], { cwd: root });
    execFileSync('git', [...who, 'commit', '-q', '--allow-empty', '-m', 'begin'], { cwd: root });
    await write({
      'package.json': { name: 'w', workspaces: ['libs/*'] },
      'libs/a/package.json': { name: '@acme/a', version: '1.0.0' },
    });
  });
  afterEach(() => rm(root, { recursive: true }));
  const look = async (versioning: string) => {
    const options = { packages: { stages: [{ name: 'test' }] }, versioning };
    await write({ 'nx.json': { plugins: [{ plugin: '@sluice/nx/plugin', options }] } });
    const before = await everything(root);
    const context = await openContext({ workspaceRoot: root, env: { PATH: process.env['PATH'] } });
    const checked = await runChecks(versioningChecks(openPatient(context)));
    await context.close();
    expect(await everything(root)).toEqual(before);
    return Object.fromEntries(checked.map((one) => [one.title, one]));
  };
  const configuration = async (versioning: string) => (await look(versioning))['configuration'];

  it('reads what changesets reads, with its own libraries', async () => {
    expect(await configuration('changesets')).toMatchObject({
      verdict: 'problem',
      said: 'there is no .changeset/config.json',
      next: 'npx nx g @sluice/nx:versioning changesets',
    });
    await write({ '.changeset/config.json': { baseBranch: 'main', access: 'everybody' } });
    expect(await configuration('changesets')).toMatchObject({ verdict: 'problem', code: 'CONFIG_INVALID' });
    await write({ '.changeset/config.json': { baseBranch: 'main', commit: true } });
    expect(told(await configuration('changesets'))).toMatch(/^warning: .* -> set "commit": false/);
    await write({ '.changeset/config.json': { baseBranch: 'main' } });
    expect(await configuration('changesets')).toMatchObject({ verdict: 'ok' });
    await write({ '.changeset/b.md': "---\n'@acme/gone': minor\n---\n\nNew\n" });
    expect(await configuration('changesets')).toMatchObject({ verdict: 'problem', code: 'CHANGESET_STRAY' });
  });

  it('finds the files of the other tools, also inside package.json, and runs no code', async () => {
    expect(await configuration('release-it')).toMatchObject({ verdict: 'ok' });
    await write({
      'libs/a/package.json': { name: '@acme/a', version: '1.0.0', 'release-it': { git: false } },
    });
    expect(told(await configuration('release-it'))).toMatch(/^problem: libs\/a\/package\.json/);
    await write({ 'libs/a/.releaserc.yml': 'plugins: ["@semantic-release/npm"]\n' });
    expect(told(await configuration('semantic-release'))).toMatch(/^problem: libs\/a\/\.releaserc\.yml/);
    await rm(join(root, 'libs/a/.releaserc.yml'));
    await write({ 'libs/a/release.config.js': 'throw new Error("run");\n' });
    expect(told(await configuration('semantic-release'))).toMatch(
      /^not checked: libs\/a\/release\.config\.js/,
    );
  });

  it('reads scripts and workflows', async () => {
    await write({ '.github/workflows/release.yml': 'jobs:\n  x:\n    - run: npx changeset publish\n' });
    expect(told((await look('nx'))['nothing passes by the stages'])).toMatch(
      /^warning: \.github\/workflows\/release\.yml runs "changeset publish"/,
    );
  });
});
