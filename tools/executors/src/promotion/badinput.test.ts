import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fault, FaultRule } from '../testing/fault-proxy.ts';
import { makeTarball } from '../testing/npm-packages.ts';
import type { PackageResult } from './carry.ts';
import { Flow, type World } from './testing/flow.ts';
import { putByHand } from './testing/by-hand.ts';
import type { StepEvent } from '../steps/index.ts';

type Where = 'github' | 'test';
type What = 'look' | 'tarball' | 'put' | 'tag';
interface Bad {
  means: string;
  at: Where;
  on: What;
  fault: Fault;
  after?: number;
  times?: number;
  /** Code of the error; undefined where the promotion gets over it. */
  code?: string;
  /** The error's text names this. */
  says?: RegExp;
  /** What is true in the target afterwards where it failed. */
  left?: 'nothing' | 'put';
  /** Nothing repairs it: it fails again when the registry is well. */
  forGood?: boolean;
}

const answer = (status: number, body?: object | string, headers?: Record<string, string>): Fault => ({
  do: 'answer',
  status,
  ...(body ? { body } : {}),
  ...(headers ? { headers } : {}),
});
const said = (status: number, error: string) => answer(status, { error });
const ever = Number.POSITIVE_INFINITY;

/** What a registry can do to a promotion from `github` into `test`; each befalls a package of its own, all at once. */
const BAD: Record<string, Bad> = {
  'token-wrong': {
    means: 'token wrong or expired',
    at: 'test',
    on: 'put',
    fault: said(401, 'bad token'),
    code: 'TOKEN_REFUSED',
    says: /SLUICE_TEST_TOKEN/,
  },
  'token-expired': {
    means: 'expired, said as 403',
    at: 'test',
    on: 'put',
    fault: said(403, 'token has expired'),
    code: 'TOKEN_REFUSED',
  },
  scope: {
    means: 'scope refused',
    at: 'test',
    on: 'put',
    fault: said(403, 'you may not publish @acme'),
    code: 'SCOPE_REFUSED',
  },
  masked: {
    means: 'missing right, masked as 404',
    at: 'test',
    on: 'put',
    fault: said(404, 'not found'),
    code: 'RIGHT_MISSING',
    says: /404/,
  },
  otp: {
    means: 'one-time password',
    at: 'test',
    on: 'put',
    fault: answer(401, {}, { 'www-authenticate': 'OTP' }),
    code: 'ONE_TIME_PASSWORD',
  },
  paid: { means: 'to be paid for', at: 'test', on: 'put', fault: said(402, 'pay'), code: 'PAYMENT_REQUIRED' },
  large: {
    means: 'too large',
    at: 'test',
    on: 'put',
    fault: said(413, 'too large'),
    code: 'TARBALL_TOO_LARGE',
  },
  refused: {
    means: 'refused for a reason of its own',
    at: 'test',
    on: 'put',
    fault: said(400, 'no readme'),
    code: 'REGISTRY_REFUSED',
    says: /no readme/,
  },
  'put-503': { means: '503 once', at: 'test', on: 'put', fault: answer(503), times: 1 },
  'put-503-ever': {
    means: '503 for ever',
    at: 'test',
    on: 'put',
    fault: answer(503),
    code: 'REGISTRY_FAILED',
    says: /503/,
  },
  'put-429': {
    means: '429 with Retry-After',
    at: 'test',
    on: 'put',
    fault: answer(429, {}, { 'retry-after': '1' }),
    times: 1,
  },
  'put-429-ever': { means: '429 for ever', at: 'test', on: 'put', fault: answer(429), code: 'RATE_LIMITED' },
  'put-html': {
    means: 'a login page that says 200 to the PUT',
    at: 'test',
    on: 'put',
    fault: { do: 'html' },
    code: 'REGISTRY_ANSWER_NOT_JSON',
  },
  'look-html': {
    means: 'a login page',
    at: 'test',
    on: 'look',
    fault: { do: 'html' },
    code: 'REGISTRY_ANSWER_NOT_JSON',
    says: /Sign in/,
  },
  'look-half': {
    means: 'half a packument',
    at: 'test',
    on: 'look',
    fault: { do: 'half-body' },
    code: 'REGISTRY_ANSWER_CUT',
  },
  'look-down': {
    means: 'registry down',
    at: 'test',
    on: 'look',
    fault: { do: 'cut-request', after: 0 },
    code: 'REGISTRY_UNREACHABLE',
  },
  'look-slow': { means: 'slow', at: 'test', on: 'look', fault: { do: 'delay', ms: 300 }, times: 1 },
  'look-502': {
    means: '502 once',
    at: 'test',
    on: 'look',
    fault: answer(502, '<html>bad gateway</html>', { 'content-type': 'text/html' }),
    times: 1,
  },
  'put-cut': {
    means: 'connection cut in the PUT',
    at: 'test',
    on: 'put',
    fault: { do: 'cut-request', after: 20 },
    times: 1,
  },
  'put-lost': {
    means: 'PUT accepted, answer lost',
    at: 'test',
    on: 'put',
    fault: { do: 'lose-answer' },
    times: 1,
  },
  'tag-lost': {
    means: 'tag moved, answer lost',
    at: 'test',
    on: 'tag',
    fault: { do: 'lose-answer' },
    times: 1,
  },
  'tag-denied': {
    means: 'the tag may not be moved',
    at: 'test',
    on: 'tag',
    fault: said(403, 'no'),
    code: 'RIGHT_MISSING',
    left: 'put',
  },
  'tag-masked': {
    means: 'the same, masked as 404',
    at: 'test',
    on: 'tag',
    fault: said(404, 'no'),
    code: 'RIGHT_MISSING',
    left: 'put',
  },
  '409-there': {
    means: '409: already there (npm)',
    at: 'test',
    on: 'put',
    fault: said(409, 'You cannot publish over the previously published versions: 1.1.0.'),
    times: 1,
    code: 'NOT_VISIBLE_YET',
    left: 'nothing',
  },
  '409-github': {
    means: '409: already there (GitHub)',
    at: 'test',
    on: 'put',
    fault: said(409, 'Cannot publish over existing version'),
    times: 1,
    code: 'NOT_VISIBLE_YET',
    left: 'nothing',
  },
  '409-staged': {
    means: '409: staged, and never visible in time',
    at: 'test',
    on: 'put',
    fault: said(409, 'conflicts with a previously staged version'),
    times: 1,
    code: 'NOT_VISIBLE_YET',
    left: 'nothing',
  },
  '409-saving': {
    means: '409: a conflict while saving',
    at: 'test',
    on: 'put',
    fault: said(
      409,
      'Failed to save packument. A common cause is if you try to publish a new package before the previous package has been fully processed.',
    ),
    times: 1,
  },
  '409-tlog': {
    means: '409: the transparency log has it',
    at: 'test',
    on: 'put',
    fault: said(409, 'TLOG_CREATE_ENTRY_ERROR'),
    times: 1,
  },
  hidden: {
    means: 'visible late',
    at: 'test',
    on: 'look',
    fault: { do: 'hide', version: '1.1.0' },
    times: 3,
  },
  'hidden-ever': {
    means: 'never visible in time',
    at: 'test',
    on: 'look',
    fault: { do: 'hide', version: '1.1.0' },
    code: 'NOT_VISIBLE_YET',
    left: 'put',
  },
  'back-corrupt': {
    means: 'read-back differs',
    at: 'test',
    on: 'tarball',
    fault: { do: 'corrupt' },
    code: 'SERVES_OTHER_BYTES',
    left: 'put',
  },
  'back-half': {
    means: 'half a tarball under an honest length',
    at: 'test',
    on: 'tarball',
    fault: { do: 'half-body' },
    code: 'SERVES_OTHER_BYTES',
    left: 'put',
  },
  'back-cut': {
    means: 'the read-back breaks off once',
    at: 'test',
    on: 'tarball',
    fault: { do: 'cut-answer', after: 9 },
    times: 1,
  },
  'back-cut-ever': {
    means: 'the read-back breaks off for ever',
    at: 'test',
    on: 'tarball',
    fault: { do: 'cut-answer', after: 9 },
    code: 'REGISTRY_ANSWER_CUT',
    left: 'put',
  },
  changed: {
    means: 'other bytes in the source',
    at: 'github',
    on: 'tarball',
    fault: { do: 'corrupt' },
    code: 'BYTES_CHANGED_IN_SOURCE',
    says: /sha512-[\s\S]*sha512-/,
  },
  gone: {
    means: 'gone from the source',
    at: 'github',
    on: 'look',
    fault: { do: 'hide', version: '1.1.0' },
    code: 'VERSION_GONE',
  },
  'source-401': {
    means: 'the token of the source is refused',
    at: 'github',
    on: 'look',
    fault: said(401, 'no'),
    code: 'TOKEN_REFUSED',
    says: /SLUICE_GITHUB_TOKEN/,
  },
  'source-404': {
    means: 'its tarball is gone',
    at: 'github',
    on: 'tarball',
    fault: said(404, 'no'),
    code: 'VERSION_NOT_IN_STAGE',
  },
  'source-500': {
    means: 'the source fails',
    at: 'github',
    on: 'tarball',
    fault: answer(500),
    code: 'REGISTRY_FAILED',
  },
  'other-bytes': {
    means: 'other bytes at the target',
    at: 'test',
    on: 'tag',
    fault: answer(500),
    times: 0,
    code: 'OTHER_BYTES',
    says: /expected sha512-[\s\S]*found {4}sha512-/,
    left: 'put',
    forGood: true,
  },
  adopted: {
    means: 'equal bytes at the target, recorded nowhere',
    at: 'test',
    on: 'put',
    fault: answer(500),
  },
};

const names = Object.keys(BAD);
const projectOf = (name: string) => `x-${name}`;
let flow: Flow;
let results: Map<string, PackageResult>;
let again: Map<string, PackageResult>;
let events: StepEvent[] = [];
let before: World;
let after: World;
let end: World;
let records: string[];
let recordsAtEnd: string[];
let given: World;

beforeAll(async () => {
  const packages = {
    ...Object.fromEntries(names.map((name) => [projectOf(name), []])),
    dependent: [projectOf('masked')],
    second: ['dependent'],
    bystander: [],
  };
  flow = await Flow.start({ packages, stages: { test: { visibleWithin: '2s' } } });
  await flow.build();
  await flow.publish();
  await flow.promote('test');
  await flow.release('1.1.0');
  await flow.build();
  await flow.publish();
  given = await flow.world('github');
  const other = await makeTarball({ name: '@acme/x-other-bytes', version: '1.1.0' });
  await putByHand(flow, 'test', other.buffer, { name: '@acme/x-other-bytes', version: '1.1.0' });
  await putByHand(flow, 'test', await bytesOf('x-adopted'), { name: '@acme/x-adopted', version: '1.1.0' });
  before = await flow.world('test');
  for (const [name, bad] of Object.entries(BAD)) flow.proxy(bad.at).rules.push(ruleOf(name, bad));
  // What cannot be asked about in the plan takes its time there, which the others need not wait for.
  const unasked = names.filter((name) => name.startsWith('look-')).map(projectOf);
  const rest = Object.keys(flow.graph).filter((project) => !unasked.includes(project));
  const onEvent = (event: StepEvent) => void events.push(event);
  const first = await Promise.all(
    [unasked, rest].map((projects) => flow.promote('test', projects, { onEvent })),
  );
  results = new Map(first.flatMap((one) => one.results).map((result) => [result.project, result]));
  after = await flow.world('test');
  records = await flow.records();
  for (const stage of ['github', 'test'] as const) flow.proxy(stage).rules.splice(0);
  again = new Map((await flow.promote('test')).results.map((result) => [result.project, result]));
  end = await flow.world('test');
  recordsAtEnd = await flow.records();
});
afterAll(() => flow?.close());

const bytesOf = async (project: string) => {
  const answer = await fetch(`${flow.registries.get('github')?.url}/@acme/${project}/-/${project}-1.1.0.tgz`);
  return Buffer.from(await answer.arrayBuffer());
};

function ruleOf(name: string, { on, fault, times = ever, after }: Bad): FaultRule {
  const path = `@acme/${projectOf(name)}`;
  const rules = {
    look: { method: 'GET', path: new RegExp(`^/${path}$`) },
    tarball: { method: 'GET', path: new RegExp(`^/${path}/-/.*1\\.1\\.0\\.tgz`) },
    put: { method: 'PUT', path: new RegExp(`^/${path}$`) },
    tag: { method: 'PUT', path: new RegExp(`^/-/package/${path}/dist-tags/latest`) },
  };
  return { ...rules[on], fault, times, ...(after ? { after } : {}) };
}

const recordOf = (name: string) => `promoted test ${projectOf(name)}@1.1.0`;
const failing = names.filter((name) => BAD[name]?.code);
const passing = names.filter((name) => !BAD[name]?.code);
const means = (list: string[]) => list.map((name) => [BAD[name]?.means ?? '', name] as const);

describe('a promotion meets', () => {
  it.each(means(failing))('%s (%s) and stops there, honestly', (_, name) => {
    const { code, says, left = 'nothing' } = BAD[name] as Bad;
    const project = projectOf(name);
    const result = results.get(project);
    expect({ code: result?.error?.code, success: result?.success }).toEqual({ code, success: false });
    expect(result?.line).toMatch(says ?? /./);
    expect(records).not.toContain(recordOf(name));
    // What people install by stays, whatever was put beside it.
    expect(after[project]?.tags['latest']).toBe('1.0.0');
    expect(Object.keys(after[project]?.versions ?? {})).toEqual(
      left === 'put' ? ['1.0.0', '1.1.0'] : ['1.0.0'],
    );
    expect(left === 'nothing' ? after[project] : undefined).toEqual(
      left === 'nothing' ? before[project] : undefined,
    );
  });

  it.each(means(passing))('%s (%s) and gets over it', (_, name) => {
    const project = projectOf(name);
    expect(results.get(project)).toMatchObject({ success: true, status: 'done' });
    expect(records.filter((record) => record === recordOf(name))).toHaveLength(1);
    expect(after[project]?.versions).toEqual(given[project]?.versions);
    expect(after[project]?.tags['latest']).toBe('1.1.0');
  });

  it('a failing dependency, and stops what depends on it, through all depths, and nothing else', () => {
    for (const [project, dependency] of [
      ['dependent', '@acme/x-masked'],
      ['second', '@acme/dependent'],
    ] as const) {
      expect(results.get(project)).toMatchObject({ status: 'blocked', error: { code: 'DEPENDENCY_FAILED' } });
      expect(results.get(project)?.line).toContain(dependency);
      expect(after[project]).toEqual(before[project]);
    }
    expect(results.get('bystander')).toMatchObject({ status: 'done' });
  });

  it('Retry-After, and waits as long as it says', () => {
    const retried = events.find((event) => event.event === 'retrying' && event.subject === '@acme/x-put-429');
    expect(retried).toMatchObject({ error: { code: 'RATE_LIMITED' } });
    expect(retried?.event === 'retrying' && retried.inMs).toBeGreaterThanOrEqual(1_000);
  });

  it('no reason to put a version twice that was accepted', () => {
    const puts = (name: string) =>
      flow
        .proxy('test')
        .requests.filter(({ method, path }) => method === 'PUT' && path === `/@acme/${projectOf(name)}`)
        .length;
    expect(['hidden', 'adopted', 'back-corrupt'].map((name) => [name, puts(name)])).toEqual([
      ['hidden', 2],
      ['adopted', 1],
      ['back-corrupt', 2],
    ]);
  });
});

describe('when the registries are well again', () => {
  it('ends what had stopped, with every byte and every record once', () => {
    const wrong = [...again.values()]
      .filter((result) => !result.success)
      .map(({ project, error }) => `${project} ${error?.code}`);
    expect(wrong).toEqual(['x-other-bytes OTHER_BYTES']);
    for (const project of Object.keys(flow.graph).filter((one) => one !== 'x-other-bytes')) {
      expect(end[project]?.versions).toEqual(given[project]?.versions);
      expect(end[project]?.tags['latest']).toBe('1.1.0');
      expect(recordsAtEnd.filter((record) => record === `promoted test ${project}@1.1.0`)).toHaveLength(1);
    }
  });

  it('never touches other bytes that somebody put', () => {
    expect(end['x-other-bytes']).toEqual(before['x-other-bytes']);
  });
});
