import { describe, expect, test } from 'vitest';
import type { Approved } from '../ledger/types.ts';
import { fieldProblem, type Wanted } from './approval-fields.ts';
import { makeApproval } from './approve.ts';
import { explainClosed } from './explain.ts';
import { identities, identityOf, isOneOf } from './identities.ts';
import { planHash } from './plan-hash.ts';
import { approvalOptions } from './requirements.ts';
import type { ConditionResult, GateDecision } from './types.ts';

const KEY_A = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';
const KEY_B = KEY_A.replace(/A$/, 'B');
const KEY_C = KEY_A.replace(/A$/, 'C');
const now = new Date('2026-11-20T12:00:00Z');
const money = { project: 'money', name: '@acme/money', version: '1.0.0', integrity: 'sha512-a' };
const units = { project: 'units', name: '@acme/units', version: '2.0.0', integrity: 'sha512-b' };
const place = {
  repository: 'git.example.com/acme/repo',
  pipeline: 'packages' as const,
  stage: 'public',
  registry: 'default',
};
const approve = (more: object = {}) =>
  makeApproval({ plan: { ...place, items: [money, units] }, policy: 'p', ledgerHead: 'h', now, ...more });

describe('the plan hash', () => {
  const hash = planHash({ ...place, items: [money, units] });
  test('does not depend on the order, nor on what an item is called here', () => {
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(planHash({ ...place, items: [units, { ...money, project: 'renamed' } as typeof money] })).toBe(
      hash,
    );
  });
  test.each([
    ['repository', { repository: 'x' }],
    ['pipeline', { pipeline: 'services' }],
    ['stage', { stage: 'test' }],
    ['registry', { registry: 'x' }],
    ['items', { items: [money] }],
    ['name', { items: [money, { ...units, name: 'x' }] }],
    ['version', { items: [money, { ...units, version: '2.0.1' }] }],
    ['integrity', { items: [money, { ...units, integrity: 'sha512-c' }] }],
  ])('depends on %s', (_field, change) => {
    expect(planHash({ ...place, items: [money, units], ...change })).not.toBe(hash);
  });
});

describe('an approval', () => {
  test('names exactly the items, once, for a week', () => {
    const [one, other] = [approve(), approve()];
    expect(one).toMatchObject({
      type: 'approved',
      stage: 'public',
      registry: 'default',
      items: [money, units],
      ledgerHead: 'h',
      policy: 'p',
    });
    expect(one.planHash).toBe(planHash({ ...place, items: [money, units] }));
    expect(one.expires).toBe('2026-11-27T12:00:00.000Z');
    expect(one.nonce).toMatch(/^[0-9a-f]{32}$/);
    expect(one.nonce).not.toBe(other.nonce);
    expect(one).not.toHaveProperty('comment');
  });
  test('may end earlier, and say why', () => {
    expect(approve({ expiresInMs: 1000, comment: 'ok' })).toMatchObject({
      expires: '2026-11-20T12:00:01.000Z',
      comment: 'ok',
    });
  });
  test('is not made for a plan that its hash does not name', () => {
    expect(() => approve({ plan: { ...place, items: [money], hash: 'f'.repeat(64) } })).toThrow(TypeError);
  });

  const record = {
    ...approve(),
    at: now.toISOString(),
    by: 'a',
    run: 'r',
    repository: place.repository,
  } as Approved;
  const wanted: Wanted = { ...place, item: money, now, spent: new Set() };
  test('taken at its word, allows its items', () => {
    expect(fieldProblem(record, wanted)).toBeUndefined();
    expect(fieldProblem(record, { ...wanted, item: units })).toBeUndefined();
  });
  test.each([
    ['another pipeline', {}, { pipeline: 'services' }, /another pipeline/],
    ['another repository', {}, { repository: 'x' }, /another repository/],
    ['another stage', {}, { stage: 'x' }, /another stage/],
    ['another registry', {}, { registry: 'x' }, /another registry/],
    [
      'items that were added',
      { items: [money, units, { ...money, version: '3.0.0' }] },
      {},
      /not the hash of its items/,
    ],
    ['another version', {}, { item: { ...money, version: '1.0.1' } }, /other versions/],
    ['another digest', {}, { item: { ...money, integrity: 'sha512-z' } }, /another digest/],
    ['its last instant', {}, { now: new Date(record.expires) }, /expired/],
    ['no expiry', { expires: 'never' }, {}, /expired/],
    ['a short nonce', { nonce: 'abc' }, {}, /nonce/],
    ['use', {}, { spent: new Set(['@acme/money@1.0.0']) }, /used up/],
  ])('does not for %s', (_what, change, want, why) => {
    expect(fieldProblem({ ...record, ...change } as Approved, { ...wanted, ...want } as Wanted)).toMatch(why);
  });
  test('used for one item still counts for another', () => {
    expect(
      fieldProblem(record, { ...wanted, item: units, spent: new Set(['@acme/money@1.0.0']) }),
    ).toBeUndefined();
  });
});

describe('the persons of an approvers file', () => {
  const all = identities(
    [
      `alice@a.example,alice ${KEY_A}`,
      '# nobody',
      `bob@a.example ${KEY_B}`,
      `alice@home.example ${KEY_A}`,
      `bob@a.example ${KEY_C}`,
    ].join('\n'),
  );
  test('are tied together by keys and by names', () => {
    expect(all.map((one) => one.principals)).toEqual([
      ['alice@a.example', 'alice', 'alice@home.example'],
      ['bob@a.example'],
    ]);
    expect(all[1]?.keys).toHaveLength(2);
  });
  test('are known by any of their names, whatever the case', () => {
    const alice = identityOf(all, { principal: 'alice', key: 'x' });
    expect(isOneOf(alice, ['Alice@Home.example'])).toBe(true);
    expect(isOneOf(alice, ['alice@a-example', 'bob@a.example'])).toBe(false);
  });
  test('match by pattern, too', () => {
    const team = identityOf(identities(`*@team.example ${KEY_A}`), {
      principal: 'x',
      key: KEY_A.split(' ')[1] ?? '',
    });
    expect(isOneOf(team, ['carol@team.example'])).toBe(true);
  });
  test('who stands nowhere is a person of its own', () => {
    expect(identityOf(all, { principal: 'eve', key: 'e' })).toEqual({ principals: ['eve'], keys: ['e'] });
  });
});

describe('what a closed gate says', () => {
  const missing: ConditionResult = {
    condition: 'approvals',
    open: false,
    detail: '0 of 1',
    next: 'npx nx approve -c public',
  };
  const decision = (...results: ConditionResult[]): GateDecision => ({
    open: false,
    results,
    approvals: [],
    policy: 'p',
  });

  test('groups what is missing, and leaves out what is not', () => {
    const soak: ConditionResult = {
      condition: 'soak',
      open: false,
      detail: 'too early',
      until: '2026-11-21T00:00:00Z',
    };
    const error = explainClosed(
      new Map([
        ['a@1.0.0', decision(missing, { ...soak, open: true })],
        ['b@1.0.0', decision(missing, soak)],
      ]),
      'public',
    );
    expect(error).toMatchObject({ code: 'GATE_CLOSED', exit: 3, state: 'nothing was changed' });
    expect(error.message).toBe(
      'the gate of stage public is closed:\n    a@1.0.0, b@1.0.0\n      approvals: 0 of 1\n    b@1.0.0\n      soak: too early',
    );
    expect(error.next).toBe('npx nx approve -c public; or wait until 2026-11-21T00:00:00Z');
    expect(Object.keys(error.toJSON()['decisions'] as object)).toEqual(['a@1.0.0', 'b@1.0.0']);
  });

  test('does not list a hundred names that miss the same', () => {
    const all = new Map(Array.from({ length: 100 }, (_, i) => [`p${i}@1.0.0`, decision(missing)] as const));
    expect(explainClosed(all, 'public').message).toBe(
      'the gate of stage public is closed:\n    all 100 items\n      approvals: 0 of 1',
    );
  });

  test('always has something to type', () => {
    const nothing: ConditionResult = { condition: 'origin', open: false, detail: 'unknown' };
    expect(explainClosed(new Map([['a@1.0.0', decision(nothing)]]), 'public').next).toBe(
      'npx sluice plan public',
    );
  });
});

test('approvals as a number ask anybody', () => {
  expect([
    approvalOptions({}),
    approvalOptions({ approvals: 2 }),
    approvalOptions({ approvals: { count: 1, from: ['a'] } }),
  ]).toEqual([{ count: 0 }, { count: 2 }, { count: 1, from: ['a'] }]);
});
