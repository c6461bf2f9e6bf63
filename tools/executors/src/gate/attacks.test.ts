import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { GateOptions } from '../pipeline/types.ts';
import { canonicalJson } from '../foundation/index.ts';
import type { Batch } from '../ledger/index.ts';
import type { GateInput } from './types.ts';
import { newestBatch } from './testing/batches.ts';
import { HOUR, Live } from './testing/live.ts';

let live: Live;
afterEach(() => live.remove());

/** Why the condition keeps the gate closed. Looking at it wrote nothing. */
async function refusal(condition: string, more: Partial<GateInput> = {}): Promise<string> {
  const before = live.head();
  const decision = await live.decide(more);
  expect(live.head()).toBe(before);
  expect(decision).toMatchObject({ open: false, approvals: [] });
  const result = decision.results.find((one) => one.condition === condition);
  return result?.open === false ? result.detail : `${condition} is open`;
}
/** What is missing before the gate opens. */
async function missing(): Promise<string[]> {
  const { open, results } = await live.decide();
  const closed = results.filter((one) => !one.open).map((one) => one.detail);
  expect(open).toBe(closed.length === 0);
  return closed;
}
const start = async (gate: GateOptions) => {
  live = await Live.make(gate);
};

describe('an approval that counts', () => {
  test('opens the gate, and is named as what would be used up', async () => {
    await start({ approvals: 1 });
    expect(await refusal('approvals')).toMatch(
      /0 of 1 approvals; 1 missing, can be given by ci@.*, alice@.*, bob@/,
    );
    const record = await live.approve('alice');
    const decision = await live.decide();
    expect(decision.open).toBe(true);
    expect(decision.approvals).toEqual([(record as { nonce?: string }).nonce]);
    expect(decision.results.find((one) => one.condition === 'approvals')?.detail).toBe(
      '1 of 1 approvals (alice@acme.example)',
    );
  });

  test('is seen by a fresh clone of the ledger too', async () => {
    await start({ approvals: 1 });
    await live.approve('alice');
    const folder = `${live.root}/fresh`;
    live.git(live.root, 'clone', '--quiet', live.remote, folder);
    const { openRepository } = await import('../git/index.ts');
    live.repo = await openRepository(folder);
    live.ledger = await live.open();
    expect(await missing()).toEqual([]);
  });
});

describe('whose signature', () => {
  test('none at all', async () => {
    await start({ approvals: 1 });
    await live.approve(null);
    expect(await refusal('approvals')).toMatch(/it is not signed/);
  });

  test('one by a key that the approvers file does not have', async () => {
    await start({ approvals: 1 });
    await live.approve('mallory');
    expect(await refusal('approvals')).toMatch(/no key of mallory@acme.example made this signature/);
  });

  test("a stranger's key under a name that may approve", async () => {
    await start({ approvals: 1 });
    const options = { run: 'x', now: live.now, signer: await live.signer('mallory', 'alice@acme.example') };
    const { makeApproval } = await import('./approve.ts');
    const item = live.named();
    const plan = {
      pipeline: 'packages' as const,
      stage: 'public',
      registry: 'public.registry.example.com',
      repository: live.identity,
      items: [item],
    };
    await live.ledger.append(
      (state) => [
        makeApproval({
          plan,
          policy: live.git(live.clone, 'rev-parse', 'HEAD'),
          ledgerHead: state.head,
          now: live.now,
        }),
      ],
      options,
    );
    expect(await refusal('approvals')).toMatch(/no key of alice@acme.example made this signature/);
  });

  test.each([
    ['in the work tree', (l: Live, files: Record<string, string>) => l.write(files)],
    ['in a commit that is not merged', (l: Live, files: Record<string, string>) => void l.commit(files)],
  ])('a key that was added %s', async (_where, add) => {
    await start({ approvals: 1 });
    const mallory = `mallory@acme.example ${readFileSync(join(live.root, 'mallory.pub'), 'utf8')}`;
    add(live, { '.sluice/allowed_signers': live.signers + mallory });
    await live.approve('mallory');
    expect(await refusal('approvals')).toMatch(/no key of mallory@acme.example made this signature/);
  });

  test('a gate that was removed in an unmerged commit is still there', async () => {
    await start({ approvals: 1 });
    live.gate = undefined;
    live.commit(live.policyFiles());
    expect(await refusal('approvals')).toMatch(/0 of 1/);
  });

  test('a revoked key, also for what it signed before', async () => {
    await start({ approvals: 1 });
    await live.approve('alice');
    expect(await missing()).toEqual([]);
    live.commit({ '.sluice/revoked_keys': readFileSync(join(live.root, 'alice.pub'), 'utf8') });
    live.push();
    expect(await refusal('approvals')).toMatch(/the key that alice@acme.example signed with is revoked/);
  });

  test('a key that expired, even where it was valid when it signed', async () => {
    await start({ approvals: 1 });
    const day = (ms: number) => new Date(ms).toISOString().slice(0, 10).replaceAll('-', '');
    const ends = day(live.now.getTime() + 48 * HOUR);
    live.commit({
      '.sluice/allowed_signers': live.signers.replace(
        /^alice@acme.example /m,
        `alice@acme.example valid-before="${ends}" `,
      ),
    });
    live.push();
    await live.approve('alice');
    expect(await missing()).toEqual([]);
    expect(
      await refusal('approvals', {
        now: new Date(live.now.getTime() + 72 * HOUR),
      }),
    ).toMatch(/the key of alice@acme.example was not valid/);
  });

  test('somebody who may not approve for this stage', async () => {
    await start({ approvals: { count: 1, from: ['bob@acme.example'] } });
    await live.approve('alice');
    expect(await refusal('approvals')).toMatch(
      /can be given by bob@acme.example; an approval by alice@.*may not approve for this stage/,
    );
    await live.approve('bob');
    expect(await missing()).toEqual([]);
  });

  test('a record that names another than who signed', async () => {
    await start({ approvals: { count: 1, from: ['bob@acme.example'] } });
    await live.approve('alice');
    const alice = await live.signer('alice');
    await live.smuggle(async (folder) => {
      const file = newestBatch(folder, 'approved');
      const { records } = JSON.parse(readFileSync(file, 'utf8')) as Batch;
      const forged = records.map((record) => ({ ...record, by: 'bob@acme.example' }));
      const signature = await alice.sign(canonicalJson(forged));
      writeFileSync(
        file.replace(/\.json$/, 'x.json'),
        JSON.stringify({ schemaVersion: 1, records: forged, signature }),
      );
    });
    expect(await refusal('approvals')).toMatch(/it names bob@acme.example, but alice@acme.example signed it/);
  });
});

describe('an approval for something else', () => {
  test.each([
    [
      'another digest',
      /it is for another digest/,
      (l: Live) => ({ items: [{ ...l.item(), root: undefined, integrity: 'sha512-other' }] }),
    ],
    ['another registry', /it is for another registry/, () => ({ registry: 'elsewhere.example.com' })],
    ['a hash that is not that of its items', /its plan hash is not/, () => ({ planHash: 'f'.repeat(64) })],
    ['no proper nonce', /no proper nonce/, () => ({ nonce: 'again' })],
    [
      'a time that is over',
      /it expired at/,
      (l: Live) => ({ expires: new Date(l.now.getTime() - 1).toISOString() }),
    ],
    ['a policy that is nowhere', /the policy it was given under/, () => ({ policy: 'a'.repeat(40) })],
  ])('%s', async (_what, why, change) => {
    await start({ approvals: 1 });
    await live.approve('alice', (body) => {
      const changed = { ...body, ...change(live) } as typeof body;
      return 'planHash' in change(live) ? changed : live.rehashed(changed);
    });
    expect(await refusal('approvals')).toMatch(why);
  });

  test('another stage', async () => {
    await start({ approvals: 1 });
    await live.approve('alice', (body) => live.rehashed({ ...body, stage: 'test' }));
    expect(await refusal('approvals')).toMatch(/0 of 1/);
  });

  test('another repository', async () => {
    await start({ approvals: 1 });
    const mine = live.identity;
    live.identity = 'git.example.com/other/repo';
    live.ledger = await live.open();
    await live.approve('alice');
    live.identity = mine;
    live.ledger = await live.open();
    expect(await refusal('approvals')).toMatch(
      /it is for another repository \(git.example.com\/other\/repo\)/,
    );
  });

  test('a policy that is only on a branch', async () => {
    await start({ approvals: 1 });
    const branch = live.commit({ 'README.md': 'later' });
    await live.approve('alice', (body) => ({ ...body, policy: branch }));
    expect(await refusal('approvals')).toMatch(/the policy it was given under .* is not on main/);
  });

  test('the future', async () => {
    await start({ approvals: 1 });
    await live.approve('alice', undefined, new Date(live.now.getTime() + HOUR));
    expect(await refusal('approvals')).toMatch(/dated in the future/);
  });
});

describe('a ledger that somebody wrote to', () => {
  test('an approval that was edited later', async () => {
    await start({ approvals: 1 });
    await live.approve('alice', (body) => ({
      ...body,
      expires: new Date(live.now.getTime() - HOUR).toISOString(),
    }));
    await live.smuggle((folder) => {
      const file = newestBatch(folder, 'approved');
      const text = readFileSync(file, 'utf8');
      const { expires } = (JSON.parse(text) as { records: { expires: string }[] }).records[0] ?? {
        expires: '',
      };
      writeFileSync(file, text.replace(expires, new Date(live.now.getTime() + HOUR).toISOString()));
    });
    expect(await refusal('approvals')).toMatch(/does not count/);
  });

  test('an approval whose file was touched, though what counts is still signed', async () => {
    await start({ approvals: 1 });
    await live.approve('alice');
    await live.smuggle((folder) => {
      const file = newestBatch(folder, 'approved');
      writeFileSync(file, `${readFileSync(file, 'utf8')}\n`);
    });
    expect(await refusal('approvals')).toMatch(/its file was changed after it was written/);
  });

  test('an approval that was edited before it was pushed', async () => {
    await start({ approvals: 1 });
    await live.approve('alice', (body) => ({
      ...body,
      expires: new Date(live.now.getTime() - HOUR).toISOString(),
    }));
    await live.smuggle((folder) => {
      const file = newestBatch(folder, 'approved');
      const batch = JSON.parse(readFileSync(file, 'utf8')) as { records: { expires: string }[] };
      for (const record of batch.records) record.expires = new Date(live.now.getTime() + HOUR).toISOString();
      writeFileSync(file.replace(/\.json$/, 'x.json'), JSON.stringify(batch));
    });
    expect(await refusal('approvals')).toMatch(/is not over these records/);
  });

  test('a used-up approval copied into a new batch', async () => {
    await start({ approvals: 1 });
    const record = await live.approve('alice');
    const nonce = (record as { nonce?: string }).nonce ?? '';
    await live.promoted('1.0.0', 'public', { approvals: [nonce] });
    await live.smuggle((folder) => {
      const file = newestBatch(folder, 'approved');
      writeFileSync(file.replace(/\.json$/, 'x.json'), readFileSync(file));
    });
    expect((await live.ledger.state()).approvals('public')).toHaveLength(2);
    expect(await refusal('approvals')).toMatch(/it is used up/);
  });

  test("an approval copied from another repository's ledger", async () => {
    await start({ approvals: 1 });
    const other = await Live.make({ approvals: 1 });
    try {
      for (const name of ['alice', 'alice.pub'])
        writeFileSync(join(other.root, name), readFileSync(join(live.root, name)), { mode: 0o600 });
      other.identity = 'git.example.com/other/repo';
      other.ledger = await other.open();
      await other.approve('alice');
      const folder = `${other.root}/copy`;
      other.git(other.root, 'clone', '--quiet', '--branch', 'sluice/ledger', other.remote, folder);
      const file = newestBatch(folder, 'approved');
      await live.smuggle((mine) =>
        writeFileSync(newestBatch(mine, 'promoted').replace(/\.json$/, 'x.json'), readFileSync(file)),
      );
    } finally {
      other.remove();
    }
    expect(await refusal('approvals')).toMatch(/it is for another repository/);
  });

  test('history before an approval that was rewritten, in a fresh clone', async () => {
    await start({ approvals: 1 });
    await live.record([{ ...heldBody(live), type: 'held' }], 'ci');
    await live.approve('alice');
    live.git(live.root, 'clone', '--quiet', live.remote, 'fresh');
    const rewriter = `${live.root}/rewriter`;
    live.git(live.root, 'clone', '--quiet', '--branch', 'sluice/ledger', live.remote, rewriter);
    live.git(rewriter, 'rebase', '--quiet', '--onto', 'HEAD~2', 'HEAD~1');
    live.git(rewriter, 'push', '--quiet', '--force');
    const { openRepository } = await import('../git/index.ts');
    live.repo = await openRepository(`${live.root}/fresh`);
    live.ledger = await live.open();
    const state = await live.ledger.refresh();
    expect(state.hold('@acme/money', '1.0.0')).toBeUndefined();
    expect(state.approvals('public')).toHaveLength(1);
    await expect(live.decide()).rejects.toMatchObject({
      code: 'LEDGER_PIN_LOST',
      state: expect.stringMatching(/nothing was changed/),
    });
  });

  test('an approval that pins no history, or another one', async () => {
    await start({ approvals: 1 });
    await live.approve('alice', (body) => ({ ...body, ledgerHead: null }));
    expect(await refusal('approvals')).toMatch(/it was signed for an empty ledger/);
    await live.approve('bob', (body) => ({ ...body, ledgerHead: live.source }));
    await expect(live.decide()).rejects.toMatchObject({ code: 'LEDGER_PIN_LOST' });
  });

  test('an unsigned claim about the past does not stop anybody', async () => {
    await start({ approvals: 1 });
    await live.approve(null, (body) => ({ ...body, ledgerHead: 'b'.repeat(40) }));
    await live.approve('alice');
    expect(await missing()).toEqual([]);
  });

  test('a forged record of publication', async () => {
    await start({ approvals: 1 });
    await live.publish('2.0.0', live.source, null);
    expect(
      await refusal('origin', {
        items: [live.item('2.0.0')],
      }),
    ).toMatch(/the record of its publication does not count: it is not signed/);
  });

  test('a forged record of entry into the stage before', async () => {
    await start({ soak: '1h', verified: 'install' });
    await live.promoted(
      '1.0.0',
      'test',
      { verified: 'install', from: 'first' },
      null,
      new Date(live.now.getTime() - 48 * HOUR),
    );
    expect(await refusal('soak')).toMatch(
      /the record of its entry into test does not count: it is not signed/,
    );
    expect(await refusal('verified')).toMatch(
      /the record of its entry into test does not count: it is not signed/,
    );
  });
});

describe('what was taken back', () => {
  test('is not released by an unsigned record', async () => {
    await start({ soak: '1s' });
    const later = { now: new Date(live.now.getTime() + HOUR) };
    await live.record([{ ...heldBody(live), type: 'held' }], 'ci');
    expect(await refusal('origin', later)).toMatch(/it is held since .*: broken/);
    await live.record([{ ...heldBody(live), type: 'released' }], null);
    expect((await live.ledger.state()).hold('@acme/money', '1.0.0')).toBeUndefined();
    expect(await refusal('origin', later)).toMatch(/its release does not count: it is not signed/);
    await live.record([{ ...heldBody(live), type: 'released' }], 'alice');
    expect((await live.decide(later)).open).toBe(true);
  });

  test('is not released by a copy of an earlier release', async () => {
    await start({ soak: '1s' });
    const at = (hours: number) => new Date(live.now.getTime() + hours * HOUR);
    await live.record([{ ...heldBody(live), type: 'held' }], 'ci', at(-3));
    await live.record([{ ...heldBody(live), type: 'released' }], 'alice', at(-2));
    await live.record([{ ...heldBody(live), type: 'held' }], 'ci', at(-1));
    await live.smuggle((folder) => {
      const file = newestBatch(folder, 'released');
      writeFileSync(file.replace(/\.json$/, 'x.json'), readFileSync(file));
    });
    expect((await live.ledger.state()).hold('@acme/money', '1.0.0')).toBeUndefined();
    expect(await refusal('origin', { now: at(1) })).toMatch(/its release does not count: it is a copy/);
  });

  test('does not stand in the stage before again by a copy of its entry', async () => {
    await start({ soak: '1s' });
    const at = (hours: number) => new Date(live.now.getTime() + hours * HOUR);
    const back = {
      ...heldBody(live),
      type: 'rolled-back' as const,
      stage: 'test',
      tag: 'latest',
      deprecated: false,
    };
    await live.record([{ ...back, dependents: [] }], 'ci', at(1));
    expect(await refusal('soak', { now: at(2) })).toMatch(/does not stand in test/);
    await live.smuggle((folder) => {
      const file = newestBatch(folder, 'promoted');
      writeFileSync(file.replace(/\.json$/, 'x.json'), readFileSync(file));
    });
    expect((await live.ledger.state()).standing('test', '@acme/money', '1.0.0')).toBeDefined();
    expect(await refusal('soak', { now: at(2) })).toMatch(/what put it back in does not count: it is a copy/);
    await live.promoted('1.0.0', 'test', { from: 'first' }, 'ci', at(2));
    expect((await live.decide({ now: at(3) })).open).toBe(true);
  });

  test('does not stand in the stage before again by an unsigned record', async () => {
    await start({ soak: '1s' });
    const later = { now: new Date(live.now.getTime() + HOUR) };
    const back = {
      ...heldBody(live),
      type: 'rolled-back' as const,
      stage: 'test',
      tag: 'latest',
      deprecated: false,
      dependents: [],
    };
    await live.publish('0.9.0', live.source);
    await live.record([{ ...back, to: '0.9.0' }], 'ci');
    expect(await refusal('soak', later)).toMatch(/does not stand in test/);
    const again = { ...back, ...live.named('0.9.0'), to: '1.0.0' };
    await live.record([again], null);
    expect((await live.ledger.state()).standing('test', '@acme/money', '1.0.0')).toBeDefined();
    expect(await refusal('soak', later)).toMatch(/put it back in does not count: it is not signed/);
    await live.record([again], 'ci');
    expect((await live.decide(later)).open).toBe(true);
  });
});

function heldBody(l: Live) {
  const item = l.named();
  return {
    ...item,
    pipeline: 'packages' as const,
    stage: 'public',
    registry: 'public.registry.example.com',
    reason: 'broken',
  };
}
