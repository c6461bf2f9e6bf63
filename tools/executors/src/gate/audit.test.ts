import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { auditHistory } from './audit.ts';
import { loadPolicy } from './policy.ts';
import { policyHistory } from './policy-history.ts';
import { HOUR, Live } from './testing/live.ts';
import { newestBatch } from './testing/batches.ts';

const calls = vi.hoisted(() => ({ verified: 0 }));
vi.mock('../signing/index.ts', async (original) => {
  const real = await original<typeof import('../signing/index.ts')>();
  return {
    ...real,
    verifySignature: (input: Parameters<typeof real.verifySignature>[0]) => {
      calls.verified++;
      return real.verifySignature(input);
    },
  };
});

let live: Live;
beforeEach(async () => {
  live = await Live.make({ approvals: 1 });
});
afterEach(() => live.remove());

async function audit(now = live.now) {
  const policy = await loadPolicy({ repository: live.repo, profile: live.profile, remote: 'origin' });
  const history = policyHistory({ repository: live.repo, policy });
  await live.ledger.refresh();
  const found = await auditHistory({
    ledger: live.ledger,
    repository: live.repo,
    policy,
    history,
    profile: live.profile,
    repositoryIdentity: live.identity,
    now,
  });
  return found.map((one) => one.problem);
}
/** An approval and the promotion that used it up. */
async function approved(name: string | null, more: object = {}) {
  const record = await live.approve(name);
  const nonce = (record as { nonce?: string }).nonce ?? '';
  await live.promoted('1.0.0', 'public', { approvals: [nonce], ...more });
  return nonce;
}

describe('the audit of the history', () => {
  test('finds nothing where nothing is wrong, and verifies no signature twice', async () => {
    await approved('alice');
    calls.verified = 0;
    expect(await audit()).toEqual([]);
    expect(calls.verified).toBeGreaterThanOrEqual(4);
    calls.verified = 0;
    live.ledger = await live.open();
    expect(await audit()).toEqual([]);
    expect(calls.verified).toBe(0);
    await live.approve('bob');
    expect(await audit()).toEqual([]);
    expect(calls.verified).toBe(1);
  });

  test('finds a record that nobody signed, again and again', async () => {
    await live.promoted('1.0.0', 'test', { from: 'first' }, null);
    expect(await audit()).toEqual(['it is not signed']);
    expect(await audit()).toEqual(['it is not signed']);
  });

  test('finds one signed by a stranger', async () => {
    await live.promoted('1.0.0', 'test', { from: 'first' }, 'mallory');
    expect(await audit()).toEqual(['no key of mallory@acme.example made this signature']);
  });

  test('finds a promotion without its approval', async () => {
    await live.promoted('1.0.0', 'public', {});
    expect(await audit()).toEqual(['@acme/money@1.0.0: entered with 0 of 1 approvals']);
  });

  test.each([
    [
      'that nobody gave',
      async (l: Live) => l.promoted('1.0.0', 'public', { approvals: ['d'.repeat(32)] }),
      /it is not in the ledger/,
    ],
    [
      'for other bytes',
      async () => approved('alice', { integrity: 'sha512-other' }),
      /it is for another digest/,
    ],
    [
      'for another registry',
      async () => approved('alice', { registry: 'elsewhere.example.com' }),
      /another registry/,
    ],
    ['that nobody signed', async () => approved(null), /it is not signed/],
    ['by a stranger', async () => approved('mallory'), /no key of mallory/],
  ])('finds an approval %s', async (_what, attack, why) => {
    await attack(live);
    const found = await audit();
    expect(found).toContainEqual(expect.stringMatching(why));
    expect(found).toContainEqual(expect.stringMatching(/entered with 0 of 1 approvals/));
  });

  test('finds an approval that was used twice', async () => {
    const nonce = await approved('alice');
    expect(await audit()).toEqual([]);
    await live.promoted('1.0.0', 'public', { approvals: [nonce] });
    expect(await audit()).toEqual([`@acme/money@1.0.0: its approval ${nonce} was used up before`]);
  });

  test('finds an approval that had expired, or was given afterwards', async () => {
    const nonce = 'e'.repeat(32);
    await live.promoted('1.0.0', 'public', { approvals: [nonce] });
    await live.approve('alice', (body) => ({ ...body, nonce }));
    expect(await audit()).toEqual([
      expect.stringMatching(/it was given afterwards/),
      expect.stringMatching(/0 of 1/),
    ]);
    await live.promoted(
      '1.0.0',
      'public',
      { approvals: [nonce] },
      'ci',
      new Date(live.now.getTime() + 30 * 24 * HOUR),
    );
    expect(await audit(new Date(live.now.getTime() + 31 * 24 * HOUR))).toContainEqual(
      expect.stringMatching(/it expired/),
    );
  });

  test('finds everything again when a key is revoked, also for the past', async () => {
    await approved('alice');
    expect(await audit()).toEqual([]);
    live.commit({ '.sluice/revoked_keys': readFileSync(join(live.root, 'alice.pub'), 'utf8') });
    live.push();
    expect(await audit()).toEqual([
      expect.stringMatching(/^the key that alice@acme.example signed with is revoked/),
      expect.stringMatching(
        /its approval .* does not count: the key that alice@acme.example signed with is revoked/,
      ),
      expect.stringMatching(/entered with 0 of 1/),
    ]);
  });

  test('goes by the policy of its time: whoever left was allowed then', async () => {
    await approved('alice');
    live.setClock(new Date(live.now.getTime() + HOUR));
    live.signers = live.signers.replace(/^(alice|ci)@.*\n/gm, '');
    live.commit(live.policyFiles());
    live.push();
    const later = new Date(live.now.getTime() + 2 * HOUR);
    expect(await audit(later)).toEqual([]);
    await live.promoted('1.0.0', 'test', { from: 'first' }, 'ci', later);
    expect(await audit(later)).toEqual(['no key of ci@acme.example made this signature']);
  });

  test('finds a policy that is not on the default branch', async () => {
    const branch = live.commit({ x: '1' });
    await approved('alice', { policy: branch });
    expect(await audit()).toEqual([`@acme/money@1.0.0: its policy ${branch} is not on the default branch`]);
  });

  describe('finds a promotion that chooses its rules', () => {
    const past = /^@acme\/money@1.0.0: its policy [0-9a-f]{40} did not hold any more; by that of its day, /;
    const later = () => new Date(live.now.getTime() + 40 * 24 * HOUR);
    const found = async () => (await audit(later())).map((one) => one.replace(past, ''));

    test('of before the gate', async () => {
      await live.promoted('1.0.0', 'public', { policy: live.source }, 'ci', later());
      expect(await found()).toEqual(['entered with 0 of 1 approvals']);
    });

    test('of when its signer was still trusted', async () => {
      const then = live.git(live.clone, 'rev-parse', 'HEAD');
      const nonce = ((await live.approve('alice', undefined, later())) as { nonce?: string }).nonce ?? '';
      live.setClock(new Date(live.now.getTime() + HOUR));
      live.signers = live.signers.replace(/^ci@.*\n/m, '');
      live.commit(live.policyFiles());
      live.push();
      await live.promoted('1.0.0', 'public', { approvals: [nonce], policy: then }, 'ci', later());
      expect(await found()).toEqual(['no key of ci@acme.example made this signature']);
    });

    test('that were on the default branch on the way to a merge alone', async () => {
      live.git(live.clone, 'checkout', '--quiet', '-b', 'aside');
      live.gate = undefined;
      const lax = live.commit(live.policyFiles());
      live.gate = { approvals: 1 };
      live.commit(live.policyFiles());
      live.git(live.clone, 'checkout', '--quiet', 'main');
      live.git(live.clone, 'merge', '--quiet', '--no-ff', 'aside');
      live.push();
      await live.promoted('1.0.0', 'public', { policy: lax }, 'ci', later());
      expect(await found()).toEqual(['entered with 0 of 1 approvals']);
    });

    test('but not one that read them just before they changed', async () => {
      const then = live.git(live.clone, 'rev-parse', 'HEAD');
      await approved('alice', { policy: then });
      live.gate = { approvals: 2 };
      live.commit(live.policyFiles());
      live.push();
      expect(await audit()).toEqual([]);
    });

    test('and one that is dated before its artifact', async () => {
      await live.promoted(
        '1.0.0',
        'public',
        { policy: live.source },
        'ci',
        new Date(live.now.getTime() - 2 * HOUR),
      );
      expect(await audit()).toContain('@acme/money@1.0.0: it is dated before its publication');
    });
  });

  test('finds a batch that was copied, and one that was changed', async () => {
    const before = new Date(live.now.getTime() - 48 * HOUR);
    await live.record([{ ...held(), type: 'held' }], 'ci', before);
    await live.smuggle((folder) => {
      const file = newestBatch(folder, 'published');
      writeFileSync(file, `${readFileSync(file, 'utf8')}\n`);
    });
    expect(await audit()).toEqual([
      expect.stringMatching(/changes a record/),
      'it is dated before records that were there already',
    ]);
  });

  test('finds history that was rewritten before an approval', async () => {
    await live.record([{ ...held(), type: 'held' }], 'ci');
    await live.approve('alice');
    const rewriter = `${live.root}/rewriter`;
    live.git(live.root, 'clone', '--quiet', '--branch', 'sluice/ledger', live.remote, rewriter);
    live.git(rewriter, 'rebase', '--quiet', '--onto', 'HEAD~2', 'HEAD~1');
    live.git(rewriter, 'push', '--quiet', '--force');
    live.git(live.root, 'clone', '--quiet', live.remote, 'fresh');
    const { openRepository } = await import('../git/index.ts');
    live.repo = await openRepository(`${live.root}/fresh`);
    live.ledger = await live.open();
    expect(await audit()).toEqual([
      expect.stringMatching(/^the ledger was rewritten: [0-9a-f]{40}, which it names as the head/),
    ]);
  });
});

test('a local history may be unsigned, but for approvals', async () => {
  live.profile = 'local';
  await live.promoted('1.0.0', 'test', { from: 'first' }, null);
  expect(await audit()).toEqual([]);
  await live.approve(null);
  expect(await audit()).toEqual(['it is not signed']);
});

function held() {
  const item = live.named();
  return {
    ...item,
    pipeline: 'packages' as const,
    stage: 'public',
    registry: 'public.registry.example.com',
    reason: 'broken',
  };
}
