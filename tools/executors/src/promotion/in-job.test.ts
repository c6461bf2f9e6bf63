import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { releaseRun, startGitHub, type TestGitHub } from '../testing/github/index.ts';
import { startIssuer, type TestIssuer } from '../testing/issuer/index.ts';
import { approveByComment } from './approve-comment.ts';
import { planPromotion } from './promote.ts';
import { proveAll } from './prove.ts';
import { Flow } from './testing/flow.ts';

/** A pipeline as it runs in GitHub Actions: no key anywhere, only what GitHub says about the job. */
let flow: Flow;
let issuer: TestIssuer;
let github: TestGitHub;
let number = 500;

beforeAll(async () => {
  issuer = await startIssuer();
  github = await startGitHub();
  flow = await Flow.start({
    live: true,
    packages: { units: [], money: ['units'] },
    gates: { test: { environment: 'TestGate' }, public: { approvals: 2 } },
    options: {
      github: { repository: 'acme/platform', api: github.url, issuer: issuer.url },
    },
  });
  delete flow.env['SLUICE_SIGNING_KEY'];
  Object.assign(flow.env, issuer.env, { GITHUB_TOKEN: 'of-the-job', GITHUB_RUN_ID: '100001' });
  Object.assign(github.state.users, {
    ada: { id: 7, permission: 'write' },
    bea: { id: 8, permission: 'maintain' },
    dev: { id: 12, permission: 'admin' },
    eve: { id: 13, permission: 'read' },
    robot: { id: 14, permission: 'write', type: 'Bot' },
  });
  github.state.environments.push({
    id: 1,
    name: 'TestGate',
    waitTimer: 0,
    preventSelfReview: false,
    reviewers: [{ type: 'User', id: 7 }],
    branchPolicy: null,
    branches: [],
  });
  // Whose address the commits of the workspace have.
  github.state.commits.push({ sha: 'a'.repeat(40), message: 'x', author: 'dev', email: 'dev@acme.example' });
  github.state.issues.push({
    number: 3,
    title: 'Release',
    body: '',
    state: 'open',
    user: 'dev',
    labels: [],
    assignees: [],
  });
  github.state.runs.push(
    releaseRun({
      approvals: [{ environments: ['TestGate'], state: 'approved', user: 'ada', comment: 'go' }],
    }),
  );
  await flow.build();
});
afterAll(async () => {
  await flow?.close();
  await issuer?.close();
  await github?.close();
});
beforeEach(() => {
  delete issuer.job['environment'];
});

/** Somebody comments, and the workflow runs. */
async function comment(user: string, body: string, change: { updated_at?: string; event?: object } = {}) {
  const id = (number += 1);
  const at = '2026-11-20T10:00:00Z';
  const { updated_at = at, event = {} } = change;
  github.state.comments.push({ id, issue: 3, user, body, created_at: at, updated_at });
  await flow.write({ 'home/event.json': JSON.stringify({ action: 'created', comment: { id }, ...event }) });
  return runAgain();
}
const runAgain = () => flow.with((context) => approveByComment(context, join(flow.root, 'home/event.json')));
const records = () => flow.with(async (context) => (await (await context.ledger()).refresh()).count);
const hash = () =>
  flow.with(async (context) => (await planPromotion(context, { stage: 'public' })).plan.hash);
const answers = () =>
  github.state.comments.filter(({ user }) => user === 'github-actions[bot]').map(({ body }) => body);

it('publishes, and records it with the token of the job', async () => {
  const { results } = await flow.publish();
  expect(results.map(({ success }) => success)).toEqual([true, true]);
  const by = await flow.with(
    async (context) =>
      (await (await context.ledger()).refresh()).published('@acme/money', '1.0.0')?.record.by,
  );
  expect(by).toBe('github:acme/platform/.github/workflows/release.yml');
});

it('is refused behind a gate in a job outside of the environment, and let in within it', async () => {
  const refused = await flow.promote('test').catch((error: unknown) => error);
  expect(JSON.stringify(refused)).toMatch(/runs in no environment, not in TestGate/);
  expect(await flow.world('test')).toEqual({});
  issuer.job['environment'] = 'TestGate';
  const { results } = await flow.promote('test');
  expect(results.map(({ success }) => success)).toEqual([true, true]);
  const entry = await flow.with(async (context) =>
    (await (await context.ledger()).refresh()).position('test', '@acme/money'),
  );
  expect(entry?.record).toMatchObject({
    type: 'promoted',
    environment: {
      name: 'TestGate',
      run: '100001',
      actor: 'dev',
      approvals: [{ login: 'ada', comment: 'go' }],
    },
  });
});

describe('an approval in a comment', () => {
  it.each<[string, string, (hash: string) => string, object, string]>([
    ['by somebody without the right', 'eve', (h) => `/approve public ${h}`, {}, 'COMMENT_WITHOUT_RIGHT'],
    ['by a stranger', 'mallory', (h) => `/approve public ${h}`, {}, 'COMMENT_WITHOUT_RIGHT'],
    ['by a robot', 'robot', (h) => `/approve public ${h}`, {}, 'COMMENT_WITHOUT_RIGHT'],
    [
      'that was edited',
      'ada',
      (h) => `/approve public ${h}`,
      { updated_at: '2026-11-20T10:05:00Z' },
      'COMMENT_EDITED',
    ],
    ['of another plan', 'ada', () => `/approve public ${'0'.repeat(64)}`, {}, 'COMMENT_OTHER_PLAN'],
    ['of half a hash', 'ada', (h) => `/approve public ${h.slice(0, 12)}`, {}, 'COMMENT_INCOMPLETE'],
    ['without a stage', 'ada', () => '/approve', {}, 'COMMENT_INCOMPLETE'],
    ['of a stage that there is not', 'ada', (h) => `/approve publc ${h}`, {}, 'STAGE_UNKNOWN'],
  ])('%s is refused, nothing is recorded, and the issue says why', async (_, user, body, change, code) => {
    const before = await records();
    github.state.users['mallory'] ??= { id: 66, permission: 'none' };
    await expect(comment(user, body(await hash()), change)).rejects.toMatchObject({ code, exit: 2 });
    expect(await records()).toBe(before);
    expect(answers().at(-1)).toMatch(`Not approved. ${code}: `);
  });

  it('is not asked for by a comment about approvals, nor by one that changed or went', async () => {
    const before = await records();
    expect(await comment('ada', 'shall we /approve public?')).toEqual({ outcome: 'none' });
    expect(await comment('ada', 'x', { event: { action: 'edited' } })).toEqual({ outcome: 'none' });
    await flow.write({ 'home/event.json': 'not json' });
    await expect(runAgain()).rejects.toMatchObject({ code: 'COMMENT_UNREADABLE' });
    expect(await records()).toBe(before);
  });

  it('is refused outside of a job, and with a key', async () => {
    const at = flow.env['ACTIONS_ID_TOKEN_REQUEST_URL'];
    const key = join(flow.root, 'home/rita@acme.example');
    const body = `/approve public ${await hash()}`;
    try {
      flow.env['SLUICE_SIGNING_KEY'] = key;
      await expect(comment('ada', body)).rejects.toMatchObject({ code: 'COMMENT_WITHOUT_TOKEN' });
      delete flow.env['ACTIONS_ID_TOKEN_REQUEST_URL'];
      await expect(comment('ada', body)).rejects.toMatchObject({ code: 'COMMENT_OUTSIDE_JOB' });
    } finally {
      delete flow.env['SLUICE_SIGNING_KEY'];
      flow.env['ACTIONS_ID_TOKEN_REQUEST_URL'] = at;
    }
  });

  it('by the author is written down, and does not count', async () => {
    await expect(comment('dev', `/approve public ${await hash()}`)).rejects.toMatchObject({
      code: 'APPROVAL_DOES_NOT_COUNT',
    });
    expect(answers().at(-1)).toMatch(/its signer is an author/);
  });

  it('counts with the right, the words and the plan; two of them open the gate; a second run adds nothing', async () => {
    const first = await comment('ada', `/approve public ${await hash()}\r\nLooks good to me.`);
    expect(first).toMatchObject({ outcome: 'recorded', login: 'ada', approved: { open: [] } });
    expect(answers().at(-1)).toMatch(
      /^Recorded: ada approves for public\.\n- @\u200Bacme\/units@\u200B1\.0\.0 waits: /,
    );
    const before = await records();
    expect(await runAgain()).toMatchObject({ outcome: 'before' });
    expect(await records()).toBe(before);
    await expect(
      flow.promote('public').then(({ results }) => results.map(({ success }) => success)),
    ).resolves.not.toContain(true);
    await comment('ada', `/approve public ${await hash()}`);
    const second = await comment('bea', `/approve public ${await hash()}`);
    expect(second).toMatchObject({ outcome: 'recorded', approved: { closed: [] } });
    const { results } = await flow.promote('public');
    expect(results.map(({ success }) => success)).toEqual([true, true]);
    const approvals = await flow.with(async (context) =>
      (await (await context.ledger()).refresh()).approvals('public').map(({ record }) => record.user?.login),
    );
    expect(approvals).toEqual(expect.arrayContaining(['ada', 'bea', 'dev']));
  });
});

it('is proved in the end, by a process that begins with nothing', async () => {
  const report = await flow.with((context) => proveAll(context, {}));
  expect(report.findings.filter(({ kind }) => kind !== 'artifact')).toEqual([]);
  expect(github.violations).toEqual([]);
});
