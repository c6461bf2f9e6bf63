import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { GateOptions } from '../pipeline/types.ts';
import { approve, override, type ApproveOptions } from './approve.ts';
import { planPromotion } from './promote.ts';
import { rollback, unhold } from './rollback.ts';
import { statusOf } from './status.ts';
import { Flow, type StageName } from './testing/flow.ts';

/** One pipeline for all: each test has packages of its own, and puts the gate that it is about on the default branch. */
const packages = {
  one: [],
  used: [],
  mine: [],
  stranger: [],
  both: [],
  digest: [],
  soak: [],
  freeze: [],
  proved: [],
  alone: [],
  late: [],
  branch: [],
  units: [],
  money: ['units'],
};
const RITA = 'rita@acme.example';
const SAM = 'sam@acme.example';
/** Writes the release commits. */
const DEV = 'dev@acme.example';
const MALLORY = 'mallory@acme.example';
let flow: Flow;
let approvers: string;

beforeAll(async () => {
  flow = await Flow.start({ packages });
  const line = (name: string) => `${name} namespaces="sluice" ${flow.key(name)}\n`;
  approvers = (await readFile(join(flow.root, '.sluice/allowed_signers'), 'utf8')) + line(SAM) + line(DEV);
  line(MALLORY);
  await people(approvers);
  await flow.build();
  await flow.publish();
});
afterAll(() => flow?.close());
afterEach(() => void vi.useRealTimers());

const people = async (text: string) => {
  await flow.write({ '.sluice/allowed_signers': text });
  flow.git('commit', '--quiet', '--allow-empty', '--all', '--message', 'approvers');
};
async function gate(given: GateOptions | undefined, stage: StageName = 'test', message = 'policy') {
  const nxJson = JSON.parse(await readFile(join(flow.root, 'nx.json'), 'utf8'));
  const options = nxJson.plugins[0].options.packages.stages.find(
    (one: { name: string }) => one.name === stage,
  );
  if (given) options.gate = given;
  else delete options.gate;
  await flow.write({ 'nx.json': JSON.stringify(nxJson) });
  flow.git('commit', '--quiet', '--allow-empty', '--all', '--message', message);
}
const wants = (...projects: string[]) => projects.map((project) => ({ project, name: `@acme/${project}` }));
const approved = (person: string | undefined, projects: string[], more: Partial<ApproveOptions> = {}) =>
  flow.with((context) => approve(context, { stage: 'test', requests: wants(...projects), ...more }), person);
const promoted = async (...projects: string[]) => (await flow.promote('test', projects)).results;
const state = async () => JSON.stringify([await flow.world('test'), await flow.records()]);
const writes = () => flow.proxy('test').requests.filter(({ method }) => method !== 'GET').length;
const ahead = (hours: number) => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + hours * 3_600_000 });
};

/** The gate is closed for these, with these words, and nothing at all was changed. */
async function closed(project: string, words: RegExp) {
  const [before, sent] = [await state(), writes()];
  const [result] = await promoted(project);
  expect(result).toMatchObject({ success: false, error: { code: 'GATE_CLOSED', exit: 3 } });
  expect(result?.line).toMatch(words);
  expect([await state(), writes()]).toEqual([before, sent]);
  return result;
}

describe('approvals', () => {
  it('open the gate for what was approved, once, and stand in the record and in the status', async () => {
    await gate({ approvals: 1 });
    await closed('one', /0 of 1 approvals; 1 missing, can be given by rita@acme\.example, sam@acme\.example/);
    const answer = await approved(RITA, ['one'], { comment: 'looked at it' });
    expect(answer).toMatchObject({ by: RITA, open: ['@acme/one@1.0.0'], closed: [] });
    await closed('used', /0 of 1/);
    expect(await promoted('one')).toMatchObject([{ status: 'done' }]);
    expect((await flow.world('test'))['one']?.tags['latest']).toBe('1.0.0');
    expect((await flow.records()).slice(-2)).toEqual(['approved test @', 'promoted test one@1.0.0']);
    const status = await flow.with(statusOf);
    expect(status.packages.find((one) => one.project === 'one')?.stages[1]).toMatchObject({
      version: '1.0.0',
      approvedBy: [RITA],
    });
    expect(status.packages.find((one) => one.project === 'used')?.stages[1]).toMatchObject({
      waiting: '1.0.0',
      waitsFor: [expect.stringMatching(/0 of 1/)],
    });
  });

  it('are used up by the promotion', async () => {
    await gate(undefined);
    expect(await promoted('used')).toMatchObject([{ status: 'done' }]);
    await flow.release('1.1.0', ['used']);
    await flow.build(['used']);
    await flow.publish(['used']);
    await gate({ approvals: 1 });
    await approved(RITA, ['used']);
    expect(await promoted('used')).toMatchObject([{ status: 'done', version: '1.1.0' }]);
    await flow.with((context) => rollback(context, { stage: 'test', packages: ['used'] }));
    await flow.with((context) =>
      unhold(context, { name: 'used', version: '1.1.0', reason: 'good after all' }),
    );
    await closed('used', /0 of 1 approvals.*it is used up/s);
    await approved(SAM, ['used']);
    expect(await promoted('used')).toMatchObject([{ status: 'done', version: '1.1.0' }]);
  });

  it('by an author are refused, and said to have been written in vain', async () => {
    await gate({ approvals: 1 });
    await expect(approved(DEV, ['mine'])).rejects.toMatchObject({
      code: 'APPROVAL_DOES_NOT_COUNT',
      message: expect.stringMatching(/its signer is an author/),
    });
    await closed('mine', /0 of 1.*its signer is an author.*/s);
  });

  it.each<[string, string | undefined, string]>([
    ['somebody who is not among the approvers', MALLORY, 'APPROVER_UNKNOWN'],
    ['nobody in particular', undefined, 'APPROVER_MISSING'],
  ])('by %s are not written', async (_, person, code) => {
    await gate({ approvals: 1 });
    const before = await state();
    await expect(approved(person, ['stranger'])).rejects.toMatchObject({ code, exit: 2 });
    expect(await state()).toBe(before);
  });

  it('of two people count one by one', async () => {
    await gate({ approvals: 2 });
    const first = await approved(RITA, ['both']);
    expect(first).toMatchObject({
      by: RITA,
      open: [],
      closed: [
        { missing: [expect.stringMatching(/1 of 2 approvals \(rita.*1 missing, can be given by sam/)] },
      ],
    });
    // The same person twice is one.
    await approved(RITA, ['both']);
    await closed('both', /1 of 2 approvals \(rita@acme\.example\)/);
    expect(await approved(SAM, ['both'])).toMatchObject({ open: ['@acme/both@1.0.0'], closed: [] });
    expect(await promoted('both')).toMatchObject([{ status: 'done' }]);
  });

  it('are for these bytes, not for the next version', async () => {
    await gate({ approvals: 1 });
    await approved(RITA, ['digest']);
    await flow.release('1.1.0', ['digest']);
    await flow.build(['digest']);
    await flow.publish(['digest']);
    await closed('digest', /@acme\/digest@1\.1\.0[\s\S]*0 of 1/);
    const requests = [{ ...wants('digest')[0]!, version: '1.0.0' }];
    expect((await flow.promote('test', undefined, { requests })).results).toMatchObject([
      { status: 'done', version: '1.0.0' },
    ]);
  });

  it('end at their time', async () => {
    await gate({ approvals: 1 });
    await approved(RITA, ['late'], { expires: '2h' });
    ahead(3);
    await closed('late', /it expired at/);
  });

  it('of a dependent alone do not carry it past its dependency', async () => {
    await gate(undefined);
    await promoted('units', 'money');
    await flow.release('2.0.0', ['units', 'money']);
    await flow.build(['units', 'money']);
    await flow.publish(['units', 'money']);
    await gate({ approvals: 1 });
    const { plan } = await flow.with((context) =>
      planPromotion(context, { stage: 'test', requests: wants('units', 'money') }),
    );
    expect(plan.items.map((item) => item.action)).toEqual(['promote', 'promote']);
    await approved(RITA, ['units', 'money']);
    await gate({ approvals: { count: 1, from: [SAM] } });
    const before = await state();
    const results = await promoted('money', 'units');
    expect(results.map((result) => result.error?.code)).toEqual(['GATE_CLOSED', 'GATE_CLOSED']);
    expect(results[0]?.line).toMatch(/its signer may not approve for this stage/);
    expect(await state()).toBe(before);
  });

  it('of which none are asked for are not signed', async () => {
    await gate({ soak: '1h' });
    const before = await state();
    await expect(approved(RITA, ['alone'])).rejects.toMatchObject({ code: 'APPROVAL_NOT_ASKED', exit: 2 });
    expect(await state()).toBe(before);
  });

  it('cannot be given by nobody: the message says how to add a person', async () => {
    await gate({ approvals: 1 });
    await people('');
    try {
      const result = await closed('alone', /nobody stands in \.sluice\/allowed_signers on main/);
      expect(result?.error?.next).toMatch(/namespaces=\\?"sluice\\?".* >> \.sluice\/allowed_signers/);
    } finally {
      await people(approvers);
    }
  });

  it.each<[string, Partial<ApproveOptions>, string]>([
    ['a duration that is none', { expires: 'soon' }, 'DURATION_INVALID'],
    ['a stage that is none', { stage: 'tset' }, 'STAGE_UNKNOWN'],
    ['the first stage', { stage: 'github' }, 'FIRST_STAGE'],
  ])('for %s are refused', async (_, more, code) => {
    await expect(approved(RITA, ['alone'], more)).rejects.toMatchObject({ code, exit: 2 });
  });

  it('shown as a dry run, or declined, sign nothing', async () => {
    await gate({ approvals: 1 });
    const before = await state();
    const shown = await approved(RITA, ['alone'], { dryRun: true });
    expect(shown.by).toBeUndefined();
    const declined = await approved(RITA, ['alone'], { confirm: async () => false });
    expect(declined).toMatchObject({ open: [], closed: [{ id: '@acme/alone@1.0.0' }] });
    expect(await state()).toBe(before);
  });
});

describe('the other conditions', () => {
  it('soak: opens when its time is over, and says when', async () => {
    await gate({ soak: '24h' });
    const result = await closed('soak', /soak: in github since .*, 24h asked for/);
    expect(result?.error?.next).toMatch(/^wait until \d{4}-/);
    ahead(25);
    expect(await promoted('soak')).toMatchObject([{ status: 'done' }]);
  });

  it('freeze: holds until somebody who may overrides it, with the reason on record, for a while', async () => {
    const window = { reason: 'year end', from: '2020-01-01T00:00:00Z', to: '2100-01-01T00:00:00Z' };
    await gate({ freeze: [window] });
    await closed('freeze', /frozen until 2100-01-01.*year end/);
    const overriden = (reason: string, lasts: string, person?: string) =>
      flow.with((context) => override(context, { stage: 'test', reason, lasts }), person);
    const before = await state();
    await expect(overriden(' ', '1h', RITA)).rejects.toMatchObject({ code: 'REASON_MISSING', exit: 2 });
    await expect(overriden('x', '1 hour', RITA)).rejects.toMatchObject({ code: 'DURATION_INVALID', exit: 2 });
    await expect(overriden('x', '1h', MALLORY)).rejects.toMatchObject({ code: 'APPROVER_UNKNOWN', exit: 2 });
    await expect(overriden('x', '1h')).rejects.toMatchObject({ code: 'APPROVER_MISSING', exit: 2 });
    expect(await state()).toBe(before);
    await overriden('the fix cannot wait', '1h', RITA);
    expect(await promoted('freeze')).toMatchObject([{ status: 'done' }]);
    const { plan } = await flow.with((context) =>
      planPromotion(context, { stage: 'test', requests: wants('proved') }),
    );
    expect(plan.items[0]?.gate?.results.find((one) => one.condition === 'freeze')?.detail).toMatch(
      /overridden by rita@acme\.example .*the fix cannot wait/,
    );
    ahead(2);
    await closed('proved', /frozen until 2100/);
  });

  it('verified: an install in the stage before, where only bytes were compared', async () => {
    await gate(undefined);
    await promoted('proved');
    await gate({ verified: 'install' }, 'public');
    const before = await flow.world('public');
    const { results } = await flow.promote('public', ['proved']);
    expect(results).toMatchObject([{ error: { code: 'GATE_CLOSED' } }]);
    expect(results[0]?.line).toMatch(/verified by bytes alone, install is asked for/);
    expect(await flow.world('public')).toEqual(before);
    await gate({ verified: 'bytes' }, 'public');
    expect((await flow.promote('public', ['proved'])).results).toMatchObject([{ status: 'done' }]);
  });

  it('are judged by the default branch: a change cannot open its own gate', async () => {
    await gate({ approvals: 1 });
    flow.git('checkout', '--quiet', '-b', 'sly');
    await gate(undefined);
    await closed('branch', /0 of 1 approvals/);
    await people(
      `${approvers}${MALLORY} namespaces="sluice" ${(await readFile(join(flow.root, 'home', `${MALLORY}.pub`), 'utf8')).trim()}\n`,
    );
    await expect(approved(MALLORY, ['branch'])).rejects.toMatchObject({ code: 'APPROVER_UNKNOWN' });
    flow.git('checkout', '--quiet', 'main');
  });
});
