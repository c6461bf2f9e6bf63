import { describe, expect, it } from 'vitest';
import { SluiceError } from '../foundation/index.ts';
import { testStage } from '../testing/stages.ts';
import { fits, interpret, refusedBeforehand, retryAfterMs, ROWS, type Answer } from './answers.ts';
import { unreachable } from './network.ts';

const TOKEN = 'very-secret-token';
const withToken = testStage({
  registry: 'https://npm.example.com',
  kind: 'npm',
  token: TOKEN,
  tokenEnv: 'TEST_TOKEN',
});
const withoutToken = testStage({ registry: 'https://npm.example.com', kind: 'npm', tokenEnv: 'TEST_TOKEN' });
const restricted = testStage({ registry: 'https://npm.example.com', access: 'restricted' });
const github = testStage({ registry: 'https://github.example.com', kind: 'github', token: TOKEN });

type Case = Partial<Answer> & { status: number; body?: string };
/** One answer for each row of the table, and what must come of it. */
const CASES: Record<
  string,
  [Case, expected: string | { code: string; transient?: boolean; says?: string[] }]
> = {
  'already there (npm)': [
    { status: 409, body: '{"error":"You cannot publish over the previously published versions: 1.0.0."}' },
    'present',
  ],
  'already there (GitHub)': [
    { status: 409, stage: github, body: '{"error":"Cannot publish over existing version"}' },
    'present',
  ],
  'already there (Verdaccio)': [
    { status: 409, body: '{"error":"this package is already present"}' },
    'present',
  ],
  'staged, or being taken in': [
    { status: 409, body: '{"error":"Cannot publish over previously staged version"}' },
    'present',
  ],
  'a conflict while saving, gone soon': [
    { status: 409, body: '{"error":"Failed to save packument. A common cause is..."}' },
    { code: 'REGISTRY_CONFLICT', transient: true },
  ],
  'the transparency log has such an entry': [
    { status: 409, body: 'TLOG_CREATE_ENTRY_ERROR (409) an equivalent entry already exists' },
    { code: 'PROVENANCE_CONFLICT', transient: true },
  ],
  'any other conflict': [
    { status: 409, operation: 'deprecate', body: '{"error":"Document update conflict."}' },
    { code: 'REGISTRY_CONFLICT', transient: true, says: ['Document update conflict'] },
  ],

  'the token of the job is not taken': [
    {
      status: 404,
      operation: 'exchange',
      claims: { repository: 'acme/platform', workflow: 'release.yml', environment: 'Production' },
      body: '{"message":"OIDC token exchange error - package not found"}',
    },
    {
      code: 'TOKEN_EXCHANGE_REFUSED',
      says: ['package not found', 'acme/platform', 'release.yml', 'Production', 'TEST_TOKEN'],
    },
  ],
  'a one-time password is asked for': [
    { status: 401, headers: { 'www-authenticate': 'OTP' } },
    { code: 'ONE_TIME_PASSWORD', says: ['TEST_TOKEN'] },
  ],
  'a token is missing': [
    { status: 401, stage: withoutToken },
    { code: 'TOKEN_MISSING', says: ['TEST_TOKEN', 'https://npm.example.com'] },
  ],
  'the token is wrong or expired': [
    { status: 401 },
    { code: 'TOKEN_REFUSED', says: ['TEST_TOKEN', 'https://npm.example.com'] },
  ],
  'already there, said as 403': [
    { status: 403, body: '{"error":"You cannot publish over the previously published versions: 1.0.0."}' },
    'present',
  ],
  'forbidden without a token': [
    { status: 403, stage: withoutToken },
    { code: 'TOKEN_MISSING', says: ['TEST_TOKEN'] },
  ],
  'the token lacks a permission of its own': [
    {
      status: 403,
      stage: github,
      body: '{"error":"Permission permission_denied: The token provided does not match expected scopes."}',
    },
    { code: 'TOKEN_REFUSED', says: ['expected scopes'] },
  ],
  "the scope or name is somebody else's": [
    { status: 403, stage: github, body: '{"error":"Permission permission_denied: owner not found"}' },
    { code: 'SCOPE_REFUSED', says: ['@acme/lib', 'owner not found'] },
  ],
  'a right is missing': [
    { status: 403, operation: 'setTag', body: '{"error":"no"}' },
    { code: 'RIGHT_MISSING', says: ['move dist-tags'] },
  ],
  'it costs money': [
    { status: 402, body: '{"error":"You must sign up for private packages"}' },
    { code: 'PAYMENT_REQUIRED', says: ['sign up', 'access'] },
  ],

  'a restricted package looked at without a token': [
    { status: 404, operation: 'look', stage: restricted },
    { code: 'TOKEN_MISSING' },
  ],
  'no such package': [{ status: 404, operation: 'look' }, 'absent'],
  'the registry does not tell who one is': [{ status: 404, operation: 'whoami', name: '' }, 'absent'],
  'no such tarball': [
    { status: 404, operation: 'fetch', stage: testStage({ registry: 'http://v.example.com' }) },
    { code: 'VERSION_NOT_IN_STAGE', transient: false, says: ['@acme/lib@1.0.0'] },
  ],
  'a write without a token, masked': [{ status: 404, stage: withoutToken }, { code: 'TOKEN_MISSING' }],
  'no such version to tag or deprecate': [
    { status: 404, operation: 'setTag', body: `{"error":"this version doesn't exist"}` },
    { code: 'VERSION_NOT_IN_STAGE' },
  ],
  'a missing right, masked': [
    { status: 404, body: '{"error":"Not found"}' },
    { code: 'RIGHT_MISSING', says: ['404 where a right is missing', 'TEST_TOKEN'] },
  ],

  'too large': [
    { status: 413, stage: github, size: 300_000_000 },
    { code: 'TARBALL_TOO_LARGE', says: ['300000000 bytes', '268435456 at most'] },
  ],
  'no such way in this registry': [
    { status: 405, operation: 'setTag' },
    { code: 'REGISTRY_CANNOT', says: ['move dist-tags'] },
  ],
  'too many requests': [
    { status: 429, headers: { 'retry-after': '7' } },
    { code: 'RATE_LIMITED', transient: true, says: ['7 s'] },
  ],
  'the registry failed': [
    { status: 503, body: '<html><style>b{}</style><h1>Back soon</h1></html>' },
    { code: 'REGISTRY_FAILED', transient: true, says: ['503: Back soon'] },
  ],
  'a redirection that cannot be followed': [
    { status: 302 },
    { code: 'REGISTRY_REFUSED', transient: false, says: ['302'] },
  ],
  'refused for a reason of its own': [
    { status: 400, body: '{"error":"Invalid package name"}' },
    { code: 'REGISTRY_REFUSED', transient: false, says: ['Invalid package name'] },
  ],
};

function answer(given: Case): Answer {
  return {
    operation: 'put',
    stage: withToken,
    name: '@acme/lib',
    version: '1.0.0',
    size: 1000,
    headers: {},
    body: '',
    ...given,
  };
}

describe('the table of answers', () => {
  it('has a case for each row', () => {
    expect(Object.keys(CASES).sort()).toEqual(ROWS.map((row) => row.means).sort());
  });

  it.each(ROWS.map((row) => [row.means, row] as const))('%s', (means, row) => {
    const [given, expected] = CASES[means]!;
    const it = answer(given);
    expect(ROWS.find((candidate) => fits(candidate, it))?.means).toBe(row.means);
    const outcome = interpret(it);
    const { says = [], ...fields } = typeof expected === 'string' ? { code: expected } : expected;
    const failed = outcome instanceof SluiceError ? outcome : undefined;
    const text = `${failed?.format()} ${JSON.stringify(failed)}`;
    expect(failed ?? { code: outcome }).toMatchObject(fields);
    for (const words of says) expect(text).toContain(words);
    expect(text).not.toContain(TOKEN);
  });

  it('takes no 409 for a success that it does not know', () => {
    expect(interpret(answer({ status: 409, body: '{"error":"something new"}' }))).toMatchObject({
      code: 'REGISTRY_CONFLICT',
    });
  });
  it('waits for a tarball where accepted is not visible', () => {
    expect(interpret(answer({ status: 404, operation: 'fetch' }))).toMatchObject({
      code: 'VERSION_NOT_IN_STAGE',
      transient: true,
    });
  });
  it('hands on how long to wait, in seconds or until a date', () => {
    const now = Date.parse('2026-01-01T00:00:00Z');
    expect(retryAfterMs('120', now)).toBe(120_000);
    expect(retryAfterMs('Thu, 01 Jan 2026 00:01:30 GMT', now)).toBe(90_000);
    expect(retryAfterMs('Wed, 31 Dec 2025 00:00:00 GMT', now)).toBe(0);
    expect(retryAfterMs('soon', now)).toBeUndefined();
    expect(retryAfterMs(undefined, now)).toBeUndefined();
    expect(interpret(answer({ status: 429, headers: { 'retry-after': '7' } }))).toMatchObject({
      retryAfterMs: 7000,
    });
    expect(interpret(answer({ status: 503, headers: { 'retry-after': '3' } }))).toMatchObject({
      retryAfterMs: 3000,
    });
  });
});

describe('what is not even sent', () => {
  const put = (kind: 'github' | 'npm', name: string, size: number) =>
    refusedBeforehand({
      operation: 'put',
      stage: testStage({ registry: 'https://r.example.com', kind }),
      name,
      version: '1.0.0',
      size,
    });
  it('is what the kind of registry is known not to take', () => {
    expect(put('github', '@acme/lib', 300_000_000)).toMatchObject({ code: 'TARBALL_TOO_LARGE' });
    expect(put('github', 'lib', 10)).toMatchObject({ code: 'SCOPE_REFUSED' });
    expect(put('github', '@acme/lib', 10)).toBeUndefined();
    expect(put('npm', 'lib', 300_000_000)).toBeUndefined();
  });
});

describe('requests without an answer', () => {
  it.each([
    ['ECONNREFUSED', 'refused', true],
    ['ENOTFOUND', 'unknown', true],
    ['ETIMEDOUT', 'in time', true],
    ['UND_ERR_CONNECT_TIMEOUT', 'in time', true],
    ['UND_ERR_SOCKET', 'closed', true],
    ['EPROTO', 'TLS', true],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'not trusted', false],
    ['CERT_HAS_EXPIRED', 'not trusted', false],
  ])('%s', (code, says, transient) => {
    const direct = unreachable(withToken, Object.assign(new Error('x'), { code }));
    expect(direct).toMatchObject({
      code: 'REGISTRY_UNREACHABLE',
      transient,
      message: expect.stringContaining(says),
    });
    const wrapped = new AggregateError([Object.assign(new Error('x'), { code })]);
    expect(unreachable(withToken, new Error('y', { cause: wrapped }))).toMatchObject({
      message: expect.stringContaining(code),
    });
  });
  it('leaves what the caller ended to the caller', () => {
    const reason = new Error('stop');
    expect(unreachable(withToken, new Error('aborted'), AbortSignal.abort(reason))).toBe(reason);
  });
});
