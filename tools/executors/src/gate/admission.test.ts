import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { Batch, Entry, Promoted } from '../ledger/types.ts';
import type { GateOptions } from '../pipeline/types.ts';
import { judgeAdmission } from './admission.ts';
import { newestBatch } from './testing/batches.ts';
import { HOUR, Live } from './testing/live.ts';

let live: Live;
afterEach(() => live.remove());
const NEXT = 'npx nx run money:promote:public';

async function admission(version = '1.0.0') {
  const { items: _, ...input } = await live.input();
  const entry = input.state.standing('public', '@acme/money', version) as Entry<Promoted>;
  return judgeAdmission({ ...input, root: 'libs/money', next: NEXT }, entry);
}
/** Why it did not come in through the gate. Looking at it wrote nothing. */
async function refusal(version?: string): Promise<string> {
  const before = live.head();
  const decision = await admission(version);
  expect(live.head()).toBe(before);
  expect(decision).toMatchObject({ open: false });
  return (decision?.results ?? [])
    .filter(({ open }) => !open)
    .map(({ condition, detail, next }) => `${condition}: ${detail}${next ? ` | ${next}` : ''}`)
    .join('\n');
}
const nonceOf = (record: unknown) => (record as { nonce: string }).nonce;

/** Promoted into the gated stage with the approval that it asks for. */
async function honest(gate: GateOptions = { approvals: 1 }) {
  live = await Live.make(gate);
  const nonce = nonceOf(await live.approve('alice'));
  await live.promoted('1.0.0', 'public', { approvals: [nonce] });
  return nonce;
}

describe('a promotion that counts', () => {
  test('with its approval', async () => {
    await honest();
    expect(await admission()).toMatchObject({
      open: true,
      results: [
        { condition: 'origin', open: true },
        { condition: 'approvals', open: true, detail: 'promoted by ci@acme.example, with 1 approval' },
      ],
    });
  });

  test('still, where the gate became stricter afterwards', async () => {
    await honest();
    live.gate = { approvals: 2 };
    live.commit(live.policyFiles());
    live.push();
    expect(await admission()).toMatchObject({ open: true });
  });

  test('into a stage without a gate, if it is signed', async () => {
    live = await Live.make({ approvals: 1 });
    live.gate = undefined;
    live.commit(live.policyFiles());
    live.push();
    await live.promoted('1.0.0', 'public', {});
    expect(await admission()).toMatchObject({
      open: true,
      results: [{ condition: 'approvals', open: true }],
    });
  });

  test('in the local profile, whatever it is', async () => {
    live = await Live.make({ approvals: 1 }, 'local');
    await live.promoted('1.0.0', 'public', {}, null);
    expect(await admission()).toBeUndefined();
  });
});

describe('a promotion that does not count', () => {
  test.each([
    ['that nobody signed', null, /it is not signed \| npx nx run money:promote:public/],
    [
      'by a key that the approvers file does not have',
      'mallory',
      /no key of mallory@acme.example made this signature/,
    ],
  ])('one %s', async (_, signer, said) => {
    live = await Live.make({ approvals: 1 });
    const nonce = nonceOf(await live.approve('alice'));
    await live.promoted('1.0.0', 'public', { approvals: [nonce] }, signer);
    expect(await refusal()).toMatch(said);
  });

  test('one that nobody signed, where the stage has no gate', async () => {
    live = await Live.make({ approvals: 1 });
    live.gate = undefined;
    live.commit(live.policyFiles());
    live.push();
    await live.promoted('1.0.0', 'public', {}, null);
    expect(await refusal()).toMatch(/it is not signed/);
  });

  test('one by a key that was revoked since', async () => {
    await honest();
    live.commit({ '.sluice/revoked_keys': readFileSync(join(live.root, 'ci.pub'), 'utf8') });
    live.push();
    expect(await refusal()).toMatch(/the key that ci@acme.example signed with is revoked/);
  });

  test.each([
    ['without its approval', { approvals: [] }, /entered with 0 of 1 approvals/],
    [
      'with an approval that is not in the ledger',
      { approvals: ['made-up'] },
      /its approval made-up does not count/,
    ],
    [
      'by a policy that is not on the default branch',
      { policy: 'f'.repeat(40) },
      /its policy f+ is not on the default branch/,
    ],
  ])('one %s', async (_, more, said) => {
    live = await Live.make({ approvals: 1 });
    await live.promoted('1.0.0', 'public', more);
    expect(await refusal()).toMatch(said);
  });

  test('one by rules of before the gate', async () => {
    live = await Live.make({ approvals: 1 });
    const later = new Date(live.now.getTime() + 40 * 24 * HOUR);
    await live.promoted('1.0.0', 'public', { policy: live.source }, 'ci', later);
    expect(await refusal()).toMatch(
      /did not hold any more; by that of its day, entered with 0 of 1 approvals/,
    );
  });

  test('one with an approval that was given afterwards', async () => {
    live = await Live.make({ approvals: 1 });
    const nonce = 'n'.repeat(32);
    await live.promoted('1.0.0', 'public', { approvals: [nonce] });
    await live.approve('alice', (body) => ({ ...body, nonce }));
    expect(await refusal()).toMatch(/it was given afterwards/);
  });

  test('one with an approval of its author who may not give it', async () => {
    live = await Live.make({ approvals: { count: 1, from: ['bob@acme.example'] } });
    const nonce = nonceOf(await live.approve('alice'));
    await live.promoted('1.0.0', 'public', { approvals: [nonce] });
    expect(await refusal()).toMatch(/its signer may not approve for this stage/);
  });

  test('a copy of an honest one: its approval was used up', async () => {
    const nonce = await honest();
    await live.promoted(
      '1.0.0',
      'public',
      { approvals: [nonce] },
      'ci',
      new Date(live.now.getTime() + HOUR / 60),
    );
    expect(await refusal()).toContain(`its approval ${nonce} was used up before`);
  });

  test('one whose file was changed after it was written', async () => {
    await honest();
    await live.smuggle((folder) => {
      const path = newestBatch(folder, 'promoted', 'public');
      const batch = JSON.parse(readFileSync(path, 'utf8')) as Batch;
      (batch.records[0] as Promoted).previous = '0.9.0';
      writeFileSync(path, JSON.stringify(batch));
    });
    expect(await refusal()).toMatch(/its file was changed after it was written/);
  });

  test('one of what was built from a commit that is not on the default branch', async () => {
    live = await Live.make({ soak: '1h' });
    const aside = live.commit({ 'libs/money/index.ts': 'evil' });
    await live.publish('1.1.0', aside);
    await live.promoted('1.1.0', 'public', {});
    expect(await refusal('1.1.0')).toMatch(/^origin: its commit [0-9a-f]+ is not on main/);
  });
});
