import { afterEach, describe, expect, test } from 'vitest';
import type { GateOptions } from '../pipeline/types.ts';
import { overrideFreeze } from './approve.ts';
import { evaluateGate } from './evaluate.ts';
import { HOUR, Live } from './testing/live.ts';

let live: Live;
afterEach(() => live.remove());
const start = async (gate: GateOptions, profile: 'live' | 'local' = 'live') => {
  live = await Live.make(gate, profile);
};
const later = (hours: number) => new Date(live.now.getTime() + hours * HOUR);
async function judged(condition: string, more: Parameters<Live['decide']>[0] = {}) {
  const before = live.head();
  const decision = await live.decide(more);
  expect(live.head()).toBe(before);
  const result = decision.results.find((one) => one.condition === condition);
  expect(decision.open).toBe(decision.results.every((one) => one.open));
  return result;
}

describe('soak', () => {
  test('opens after the time in the stage before, and says when', async () => {
    await start({ soak: '24h' });
    const result = await judged('soak');
    expect(result).toMatchObject({
      open: false,
      detail: expect.stringMatching(/^in test since .*, 24h asked for$/),
    });
    const until = new Date(result?.until ?? '');
    expect(await judged('soak', { now: new Date(until.getTime() - 1) })).toMatchObject({ open: false });
    expect(await judged('soak', { now: until })).toMatchObject({ open: true });
  });

  test('is not shortened by a record dated back, nor by one dated in the future', async () => {
    await start({ soak: '24h' });
    await live.publish('1.1.0', live.source, 'ci', later(-100));
    expect(await judged('soak', { items: [live.item('1.1.0')] })).toMatchObject({ open: false });
    await live.publish('1.2.0', live.source, 'ci', later(100));
    expect(await judged('soak', { items: [live.item('1.2.0')] })).toMatchObject({
      open: false,
      detail: expect.stringMatching(/dated in the future/),
    });
    expect(await judged('soak', { items: [live.item('1.2.0')], now: later(101) })).toMatchObject({
      open: false,
    });
  });

  test('is about these bytes in that stage', async () => {
    await start({ soak: '1s' });
    const now = later(1);
    expect(
      await judged('soak', { now, items: [{ ...live.item(), integrity: 'sha512-other' }] }),
    ).toMatchObject({ open: false, detail: expect.stringMatching(/other bytes/) });
    expect(await judged('soak', { now, items: [live.item('9.9.9')] })).toMatchObject({
      open: false,
      detail: expect.stringMatching(/does not stand in test/),
    });
    await live.promoted('1.0.0', 'test', { registry: 'elsewhere.example.com' });
    expect(await judged('soak', { now })).toMatchObject({
      open: false,
      detail: expect.stringMatching(/another registry/),
    });
  });
});

describe('verified', () => {
  test('asks for what was proved in the stage before', async () => {
    await start({ verified: 'install' });
    expect(await judged('verified')).toMatchObject({
      open: false,
      detail: 'test was verified by bytes alone, install is asked for',
    });
    await live.promoted('1.0.0', 'test', { verified: 'install' });
    expect(await judged('verified')).toMatchObject({ open: true, detail: 'test was verified: install' });
  });

  test('bytes are proved by an install too', async () => {
    await start({ verified: 'bytes' });
    expect(await judged('verified')).toMatchObject({ open: true });
    await live.promoted('1.0.0', 'test', { verified: 'install' });
    expect(await judged('verified')).toMatchObject({ open: true });
  });
});

describe('freeze', () => {
  const windows = [{ from: '2000-01-01T00:00:00Z', to: '2999-01-01T00:00:00Z', reason: 'audit' }];
  const override = (reason: string, until: Date, registry = 'public.registry.example.com') =>
    overrideFreeze({ stage: { pipeline: 'packages', name: 'public', identity: registry }, reason, until });

  test('holds, until somebody who may approve overrides it with a reason', async () => {
    await start({ freeze: windows });
    expect(await judged('freeze')).toMatchObject({
      open: false,
      until: '2999-01-01T00:00:00.000Z',
      detail: expect.stringMatching(/audit$/),
    });
    await live.record([override('hotfix', later(1))], 'alice');
    expect(await judged('freeze')).toMatchObject({
      open: true,
      detail: expect.stringMatching(/overridden by alice@acme.example until .*: hotfix/),
    });
    expect(await judged('freeze', { now: later(2) })).toMatchObject({ open: false });
  });

  test.each([
    ['nobody', null, /is not signed/],
    ['a stranger', 'mallory', /no key of mallory/],
    ['somebody who may not approve', 'alice', /its signer may not approve/],
  ])('is not overridden by %s', async (_who, name, why) => {
    await start({ freeze: windows, approvals: { count: 1, from: ['bob@acme.example'] } });
    await live.record([override('because', later(1))], name);
    expect(await judged('freeze')).toMatchObject({
      open: false,
      detail: expect.stringMatching(why),
      who: ['bob@acme.example'],
    });
  });

  test('is not overridden for another registry, or without a reason', async () => {
    await start({ freeze: windows });
    await live.record([override('because', later(1), 'elsewhere.example.com')], 'alice');
    await live.record([{ ...override('x', later(1)), reason: ' ' }], 'alice');
    expect(await judged('freeze')).toMatchObject({
      open: false,
      detail: expect.stringMatching(/no reason.*another registry/),
    });
    expect(() => override(' ', later(1))).toThrow(TypeError);
  });
});

describe('environment', () => {
  test('needs one signed approval in the live profile', async () => {
    await start({ environment: 'Production' });
    expect(await judged('environment')).toMatchObject({
      open: false,
      detail: expect.stringMatching(
        /^not run by a job of GitHub Actions in the environment Production.*0 of 1/,
      ),
    });
    await live.approve('mallory');
    expect(await judged('environment')).toMatchObject({ open: false });
    await live.approve('alice');
    expect(await judged('environment')).toMatchObject({ open: true });
    expect((await live.decide()).approvals).toHaveLength(1);
  });

  test('does not apply in the local one', async () => {
    await start({ environment: 'Production' }, 'local');
    expect(await judged('environment')).toMatchObject({
      open: true,
      detail: 'the environment Production does not apply in the local profile',
    });
  });
});

describe('the local profile', () => {
  test('takes unsigned records, but no unsigned approval', async () => {
    await start({ approvals: 1, soak: '1s' }, 'local');
    await live.publish('1.1.0', live.source, null);
    const items = [live.item('1.1.0')];
    await live.approve(null, (body) => live.rehashed({ ...body, items }));
    const decision = await live.decide({ items, now: later(1) });
    expect(decision.results.filter((one) => !one.open)).toMatchObject([
      { condition: 'approvals', detail: expect.stringMatching(/is not signed/) },
    ]);
    await live.approve('alice', (body) => live.rehashed({ ...body, items }));
    expect((await live.decide({ items, now: later(1) })).open).toBe(true);
  });
});

describe('origin', () => {
  test.each([
    ['a version that nobody published', '9.9.9', /nothing is recorded/],
    ['a commit that is not on the default branch', '1.1.0', /is not on main/],
  ])('refuses %s', async (_what, version, why) => {
    await start({ soak: '1s' });
    await live.publish('1.1.0', live.commit({ x: 'unmerged' }));
    expect(await judged('origin', { items: [live.item(version)] })).toMatchObject({
      open: false,
      detail: expect.stringMatching(why),
    });
  });

  test('refuses other bytes', async () => {
    await start({ soak: '1s' });
    expect(await judged('origin', { items: [{ ...live.item(), integrity: 'sha512-other' }] })).toMatchObject({
      open: false,
      detail: expect.stringMatching(/other bytes were published/),
    });
  });

  test('refuses what another repository published', async () => {
    await start({ soak: '1s' });
    expect(await judged('origin', { repositoryIdentity: 'git.example.com/other/repo' })).toMatchObject({
      open: false,
      detail: expect.stringMatching(/another repository/),
    });
  });
});

describe('a work tree that means another stage than the policy', () => {
  test.each([
    ['another order', { from: 'first' }, {}, /the stage before public is first here, but test on main/],
    [
      'another registry',
      {},
      { identity: 'elsewhere.example.com' },
      /the registry of stage public is elsewhere/,
    ],
    [
      'a stage without a gate, at the registry of one with',
      { from: 'first' },
      { name: 'test' },
      /the registry of stage test is public.registry/,
    ],
  ])('is refused: %s', async (_what, change, stageChange, message) => {
    await start({ approvals: 1 });
    const input = await live.input(change);
    const before = live.head();
    await expect(evaluateGate({ ...input, stage: { ...input.stage, ...stageChange } })).rejects.toMatchObject(
      { code: 'POLICY_DIFFERS', message: expect.stringMatching(message) },
    );
    expect(live.head()).toBe(before);
  });

  test('is refused where the policy does not know the stage', async () => {
    await start({ approvals: 1 });
    const input = await live.input();
    const stage = { ...input.stage, name: 'public2' };
    await expect(evaluateGate({ ...input, stage })).rejects.toMatchObject({ code: 'STAGE_NOT_IN_POLICY' });
  });

  test('may point a stage without a gate elsewhere, which stays open', async () => {
    await start({ approvals: 1 });
    const input = await live.input();
    const stage = { ...input.stage, name: 'test', identity: 'mirror.example.com' };
    expect(await evaluateGate({ ...input, items: [] })).toEqual(new Map());
    const decisions = await evaluateGate({ ...input, stage, from: 'first' });
    expect([...decisions.values()]).toEqual([
      { open: true, results: [], approvals: [], policy: input.policy.commit },
    ]);
  });
});
