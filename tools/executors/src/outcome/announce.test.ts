import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sluice } from '../cli/testing/sluice.ts';
import { openGitHub } from '../github/index.ts';
import type { Context } from '../promotion/context.ts';
import { rollback } from '../promotion/rollback.ts';
import { Flow } from '../promotion/testing/flow.ts';
import { startGitHub, type TestGitHub } from '../testing/github/index.ts';
import { announce, type AnnounceOptions, type Outcome } from './index.ts';

const CHANGELOG = `# Changelog

## 1.1.0 (2026-11-21)

### Fixes

- rounds half to even

## 1.0.0 (2026-11-20)

- begins
`;

/** Money in two versions in the last stage, with the pull request and the issue behind the second one; units in one. */
let flow: Flow;
/** The GitHub that nx.json names. */
let named: TestGitHub;
let fix: string;
let integrity: Record<string, string>;
beforeAll(async () => {
  named = await startGitHub();
  flow = await Flow.start({
    live: true,
    packages: { money: [], units: [] },
    options: { github: { api: named.url, repository: 'acme/platform' } },
  });
  await flow.build();
  await through();
  await flow.write({ 'libs/money/round.js': '' });
  flow.git('add', '.');
  flow.git('commit', '--quiet', '--message', 'fix: round half to even\n\nCloses #7');
  fix = flow.git('rev-parse', 'HEAD');
  await flow.write({ 'libs/money/CHANGELOG.md': CHANGELOG });
  await flow.release('1.1.0', ['money']);
  flow.push();
  await flow.build(['money']);
  await through(['money']);
  const world = await flow.world('public');
  integrity = world['money']?.versions ?? {};
});
afterAll(async () => {
  await flow?.close();
  await named?.close();
});

async function through(projects?: string[]): Promise<void> {
  await flow.publish(projects, { gitTag: true });
  for (const stage of ['test', 'public'] as const) {
    const { results } = await flow.promote(stage, projects);
    if (results.some(({ success }) => !success)) throw new Error(JSON.stringify(results));
  }
}

let github: TestGitHub;
beforeEach(async () => {
  github = await startGitHub();
  const { state } = github;
  flow.env['GITHUB_TOKEN'] = 'of-the-job';
  for (const line of flow
    .git('for-each-ref', '--format=%(refname:lstrip=2) %(*objectname)', 'refs/tags')
    .split('\n')) {
    const [tag = '', sha = ''] = line.split(' ');
    state.tags[tag] = sha;
  }
  for (const line of flow.git('log', '--format=%H %s').split('\n'))
    state.commits.push({ sha: line.slice(0, 40), message: line.slice(41), author: 'ada' });
  state.branches['main'] = { sha: flow.git('rev-parse', 'HEAD') };
  state.issues.push(issue(7, 'Rounds wrong'), { ...issue(8, 'Round half to even'), pull: true });
  state.pulls.push({
    number: 8,
    title: 'Round half to even',
    body: 'Fixes #7',
    commits: ['c'.repeat(40)],
    mergeCommit: fix,
    author: 'ada',
  });
});
afterEach(() => github.close());

const issue = (number: number, title: string) => ({
  number,
  title,
  body: '',
  state: 'closed' as const,
  user: 'ada',
  labels: [],
  assignees: [],
});

const run = (options: Partial<AnnounceOptions> = {}): Promise<Outcome[]> =>
  flow.with((context) => runIn(context, options));

function runIn(context: Context, options: Partial<AnnounceOptions> = {}): Promise<Outcome[]> {
  return announce(context, {
    stage: 'public',
    names: ['money'],
    since: new Date(0),
    github: openGitHub({
      options: { api: github.url, repository: 'acme/platform' },
      identity: '',
      env: flow.env,
      secondMs: 1,
    }),
    secondMs: 1,
    ...options,
  });
}
const statuses = (outcomes: Outcome[]) =>
  outcomes.map(({ what, name, version, status }) => `${what} ${name}@${version} ${status}`);
const writes = () => github.requests.filter(({ method, path }) => method !== 'GET' && path !== '/graphql');
const byHand = {
  id: 1,
  tag: 'money@1.1.0',
  target: 'main',
  name: 'Ours',
  body: '',
  draft: false,
  prerelease: false,
  latest: false,
  assets: [],
};
/** What people see, without numbers that differ from run to run. */
function seen() {
  const { releases, comments, deployments, issues, tags } = github.state;
  return {
    tags,
    releases: releases.map(({ id: _, assets, ...rest }) => ({
      ...rest,
      assets: assets.map(({ name, bytes }) => `${name} ${bytes.length}`).sort(),
    })),
    comments: comments.map(({ issue: on, body }) => `${on} ${body}`).sort(),
    labels: issues.map(({ number, labels }) => [number, labels]),
    deployments: deployments.map(({ task, sha, payload, statuses: all }) => [
      task,
      sha,
      payload,
      all.map(({ state }) => state),
    ]),
  };
}

describe('a package that came into the last stage', () => {
  it('gets its release, with what was built and what proves it', async () => {
    expect(statuses(await run())).toEqual([
      'release @acme/money@1.1.0 made',
      'deployment @acme/money@1.1.0 made',
    ]);
    const [release] = github.state.releases;
    expect(github.state.releases).toHaveLength(1);
    expect(release).toMatchObject({
      tag: 'money@1.1.0',
      name: '@acme/money 1.1.0',
      target: flow.git('rev-parse', 'money@1.1.0^{commit}'),
      draft: false,
      prerelease: false,
      latest: true,
    });
    expect(release?.body).toContain('- rounds half to even');
    expect(release?.body).not.toContain('- begins');
    expect(release?.body).toContain(`\`${integrity['1.1.0']}\``);
    expect(release?.body).toMatch(/\| Way \| github \(.*\) → test \(.*\) → public \(.*\) \|/);
    expect(release?.body).toContain(flow.git('--git-dir', '../remote.git', 'rev-parse', 'sluice/ledger'));
    const assets = new Map(release?.assets.map(({ name, bytes }) => [name, bytes]));
    expect([...assets.keys()].sort()).toEqual(['acme-money-1.1.0.sbom.cdx.json', 'acme-money-1.1.0.tgz']);
    const tarball = assets.get('acme-money-1.1.0.tgz') as Buffer;
    expect(`sha512-${createHash('sha512').update(tarball).digest('base64')}`).toBe(integrity['1.1.0']);
    expect(JSON.parse(String(assets.get('acme-money-1.1.0.sbom.cdx.json')))).toMatchObject({
      bomFormat: 'CycloneDX',
    });
  });

  it('is told about where it was asked for: on the issue and on the pull request', async () => {
    await run();
    const [release] = github.state.releases;
    const told = (on: number) =>
      github.state.comments.filter((one) => one.issue === on).map(({ body }) => body);
    const page = `https://github.com/acme/platform/releases/tag/${encodeURIComponent(release?.tag ?? '')}`;
    expect(told(7)).toEqual([
      `Resolved in \`@acme/money\` **1.1.0** · [GitHub release](${page})\n\n<!-- sluice release money@1.1.0 -->`,
    ]);
    expect(told(8)).toEqual([expect.stringMatching(/^Released in `@acme\/money` \*\*1\.1\.0\*\*/)]);
    expect(github.state.issues.map(({ labels }) => labels)).toEqual([['released'], ['released']]);
  });

  it('is shown on the page of the repository, with its digest', async () => {
    await run();
    expect(github.state.deployments).toMatchObject([
      {
        task: 'sluice:@acme/money',
        environment: 'public',
        sha: flow.git('rev-parse', 'money@1.1.0^{commit}'),
        production: true,
        payload: { name: '@acme/money', version: '1.1.0', digest: integrity['1.1.0'], stage: 'public' },
        statuses: [{ state: 'success' }],
      },
    ]);
  });

  it('is told about once', async () => {
    await run();
    const before = JSON.stringify(github.state);
    const after = writes().length;
    expect(statuses(await run())).toEqual([
      'release @acme/money@1.1.0 there',
      'deployment @acme/money@1.1.0 there',
    ]);
    expect(JSON.stringify(github.state)).toBe(before);
    expect(writes()).toHaveLength(after);
  });

  it('keeps the words of a release that a person made, and gets what it lacks', async () => {
    github.state.releases.push({ ...byHand, body: 'By hand.' });
    expect(statuses(await run())[0]).toBe('release @acme/money@1.1.0 made');
    const [release, ...others] = github.state.releases;
    expect(others).toEqual([]);
    expect(release).toMatchObject({ name: 'Ours', body: expect.stringMatching(/^By hand\.\n\n\| \| \|\n/) });
    expect(release?.assets.map(({ name }) => name).sort()).toEqual([
      'acme-money-1.1.0.sbom.cdx.json',
      'acme-money-1.1.0.tgz',
    ]);
    expect(github.state.comments).toHaveLength(2);
  });

  it('gets an asset whose bytes are others, or that broke off, again', async () => {
    const asset = { label: null, type: 'text/plain', state: 'uploaded' as const };
    github.state.releases.push({
      ...byHand,
      assets: [
        { ...asset, id: 2, name: 'acme-money-1.1.0.tgz', bytes: Buffer.from('others') },
        { ...asset, id: 3, name: 'notes.txt', bytes: Buffer.from('kept') },
      ],
    });
    await run();
    const assets = new Map(github.state.releases[0]?.assets.map(({ name, bytes }) => [name, bytes]));
    expect([...assets.keys()].sort()).toEqual([
      'acme-money-1.1.0.sbom.cdx.json',
      'acme-money-1.1.0.tgz',
      'notes.txt',
    ]);
    expect(String(assets.get('acme-money-1.1.0.tgz'))).not.toBe('others');
  });

  it('is only named by a dry run', async () => {
    expect(statuses(await run({ dryRun: true }))).toEqual([
      'release @acme/money@1.1.0 planned',
      'deployment @acme/money@1.1.0 planned',
    ]);
    expect(writes()).toEqual([]);
  });

  it('with those beside it, where none is named: all versions that came of late, oldest first', async () => {
    const outcomes = await run({ names: undefined as never, since: new Date(Date.now() - 3_600_000) });
    expect(statuses(outcomes).filter((line) => line.startsWith('release'))).toEqual([
      'release @acme/money@1.0.0 made',
      'release @acme/units@1.0.0 made',
      'release @acme/money@1.1.0 made',
    ]);
    const latest = github.state.releases.filter((one) => one.latest).map(({ tag }) => tag);
    expect(latest).toEqual(['money@1.1.0']);
    expect(statuses(await run({ names: undefined as never, since: new Date(Date.now() + 60_000) }))).toEqual(
      [],
    );
  });

  it('is shown in another stage too, without a release there', async () => {
    expect(statuses(await run({ stage: 'test' }))).toEqual(['deployment @acme/money@1.1.0 made']);
    expect(github.state.releases).toEqual([]);
    expect(github.state.deployments).toMatchObject([{ environment: 'test', production: false }]);
  });
});

describe('whatever GitHub does', () => {
  it('the end is the same: a write of each kind lost after its effect, and some before it', () =>
    flow.with(async (context) => {
      await runIn(context);
      const whole = seen();
      const kinds = writes().map(({ method, path }) => `${method} ${path.replaceAll(/\/\d+/g, '')}`);
      expect(new Set(kinds).size).toBe(7);
      for (const [nth, kind] of kinds.entries())
        for (const after of nth % 4 === 0 ? [false, true] : [true]) {
          if (kinds.indexOf(kind) !== nth) continue;
          reset();
          let left = nth;
          // The nth write fails, and the attempts that follow at once: the run may end there.
          const lost = failWrites(() => left-- > 0, after);
          await runIn(context);
          lost();
          const again = await runIn(context);
          const where = `${kind}, ${after ? 'after' : 'before'}`;
          expect(
            again.filter(({ status }) => status === 'failed'),
            where,
          ).toEqual([]);
          expect(seen(), where).toEqual(whole);
        }
    }));

  /** Puts GitHub back to before. */
  function reset(): void {
    const { state } = github;
    Object.assign(state, { releases: [], comments: [], deployments: [] });
    for (const one of state.issues) one.labels = [];
  }
  function failWrites(skip: () => boolean, after: boolean): () => void {
    const fault = {
      answer: 502,
      after,
      times: 5,
      when: (method: string, path: string) => method !== 'GET' && path !== '/graphql' && !skip(),
    };
    github.fail(fault);
    return () => void (fault.times = 0);
  }

  it('a question is asked again, with the same end', async () => {
    await run();
    const whole = seen();
    reset();
    github.fail({ operation: 'POST /graphql', answer: 502, times: 2 });
    github.fail({ operation: 'GET', answer: 503, times: 3 });
    expect((await run()).map(({ status }) => status)).toEqual(['made', 'made']);
    expect(seen()).toEqual(whole);
  });

  it('a limit ends the run, which says until when; the next one does the rest', async () => {
    github.fail({
      operation: 'POST /repos/{owner}/{repo}/releases/',
      answer: 403,
      times: 9,
      message: 'secondary rate limit',
      headers: { 'retry-after': '600' },
    });
    const outcomes = await run({ names: ['money', 'units'] });
    expect(outcomes.map(({ problem }) => problem?.code)).toEqual(Array(4).fill('GITHUB_RATE_LIMITED'));
    expect(github.state.deployments).toEqual([]);
    github.state.releases.map(({ draft }) => expect(draft).toBe(true));
    github.unfail();
    expect((await run({ names: ['money', 'units'] })).map(({ status }) => status)).toEqual(
      Array(4).fill('made'),
    );
    expect(github.state.releases.map(({ tag, draft }) => [tag, draft])).toEqual([
      ['units@1.0.0', false],
      ['money@1.1.0', false],
    ]);
  });

  it('without its tag there is no release: GitHub would make one elsewhere', async () => {
    delete github.state.tags['money@1.1.0'];
    const [release, deployment] = await run();
    expect(release?.problem).toMatchObject({
      code: 'RELEASE_TAG_MISSING',
      next: expect.stringContaining('git push origin refs/tags/money@1.1.0'),
    });
    expect(deployment?.status).toBe('made');
    expect(github.state.releases).toEqual([]);
    expect(github.state.tags['money@1.1.0']).toBeUndefined();
  });

  it('a right that is missing is named', async () => {
    github.forbid('POST /repos/{owner}/{repo}/releases', 'contents=write');
    github.forbid('POST /repos/{owner}/{repo}/deployments', 'deployments=write');
    expect((await run()).map(({ problem }) => problem)).toMatchObject([
      { code: 'GITHUB_REFUSED', next: expect.stringContaining('contents: write') },
      { code: 'GITHUB_REFUSED', next: expect.stringContaining('deployments: write') },
    ]);
  });

  it('an issue on which nobody may write is passed over, and said', async () => {
    github.state.issues = github.state.issues.filter(({ number }) => number !== 8);
    const [release] = await run();
    expect(release).toMatchObject({
      status: 'made',
      notes: [expect.stringContaining("#8 as it doesn't exist")],
    });
    expect(github.state.comments.map((one) => one.issue)).toEqual([7]);
  });
});

describe('the command', () => {
  const command = (...args: string[]) =>
    sluice(flow.root, { ...flow.env, GITHUB_ACTIONS: 'true' }, 'announce', ...args);

  it('asks the GitHub that the policy names, and says what it made, what was there, and what failed', async () => {
    const made = await command('test', 'money');
    expect(made).toMatchObject({
      code: 0,
      stdout: 'deployment @acme/money@1.1.0: made (https://github.com/acme/platform/deployments/test)\n',
    });
    named.forbid('POST /repos/{owner}/{repo}/deployments', 'deployments=write');
    const { code, stdout, stderr } = await command('test', '--json');
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject([
      { name: '@acme/money', status: 'there' },
      { name: '@acme/units', status: 'failed', problem: { code: 'GITHUB_REFUSED' } },
    ]);
    expect(stderr).toContain('::error title=GITHUB_REFUSED');
    expect(named.state.deployments).toHaveLength(1);
  });

  it('finds nothing where nothing came of late, and refuses what it does not understand', async () => {
    expect(await command('github', '--since', '1s')).toMatchObject({
      code: 0,
      stdout: 'nothing came into github within 1s: nothing to do\n',
    });
    expect(await command('github', '--since', 'ever')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('DURATION_INVALID'),
    });
    expect(await command('nowhere')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('STAGE_UNKNOWN'),
    });
  });
});

describe('nothing is announced', () => {
  it('in the local profile', async () => {
    flow.env['SLUICE_PROFILE'] = 'local';
    try {
      await expect(run()).rejects.toMatchObject({ code: 'ANNOUNCE_LOCAL', exit: 2 });
    } finally {
      flow.env['SLUICE_PROFILE'] = 'live';
    }
  });

  it('without a token', async () => {
    delete flow.env['GITHUB_TOKEN'];
    expect((await run()).map(({ problem }) => problem?.code)).toEqual([
      'GITHUB_TOKEN_MISSING',
      'GITHUB_TOKEN_MISSING',
    ]);
    expect(github.requests).toEqual([]);
  });

  it('without the library', async () => {
    const library = () => Promise.reject(Object.assign(new Error('none'), { code: 'ERR_MODULE_NOT_FOUND' }));
    expect((await run({ library })).map(({ problem }) => problem?.code)).toEqual([
      'ANNOUNCE_LIBRARY_MISSING',
      'ANNOUNCE_LIBRARY_MISSING',
    ]);
    expect(writes()).toEqual([]);
  });

  it('that the library does not understand, but its words', async () => {
    const publish = () =>
      Promise.reject(
        Object.assign(new Error('The plugin is confused.'), { code: 'ECONFUSED', details: 'Give it up.' }),
      );
    const library = () => Promise.resolve({ publish, success: () => Promise.resolve() });
    expect((await run({ library }))[0]?.problem).toMatchObject({
      code: 'ANNOUNCE_FAILED',
      what: expect.stringContaining('The plugin is confused. Give it up.'),
    });
  });

  it('of a version that was rolled back; what stands there now is shown', async () => {
    await run();
    const other = await flow.copy();
    await other.with((context) =>
      rollback(context, { stage: 'public', packages: ['money'], reason: 'a test' }),
    );
    const outcomes = await other.with((context) => runIn(context));
    expect(statuses(outcomes)).toEqual([
      'release @acme/money@1.0.0 made',
      'deployment @acme/money@1.0.0 made',
    ]);
    expect(
      github.state.deployments.map(({ payload, statuses: all }) => [
        (payload as { version: string }).version,
        all.at(-1)?.state,
      ]),
    ).toEqual([
      ['1.1.0', 'inactive'],
      ['1.0.0', 'success'],
    ]);
  });
});
