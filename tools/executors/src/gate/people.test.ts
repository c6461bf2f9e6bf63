import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { openRepository } from '../git/index.ts';
import type { GateOptions } from '../pipeline/types.ts';
import { Live } from './testing/live.ts';

let live: Live;
afterEach(() => live.remove());

async function approvals() {
  const before = live.head();
  const decision = await live.decide();
  expect(live.head()).toBe(before);
  const { open, detail, who } = decision.results.find((one) => one.condition === 'approvals') ?? {};
  expect(decision.open).toBe(open);
  return { open, detail, who };
}
const start = async (gate: GateOptions) => {
  live = await Live.make(gate);
};

describe('an author does not approve what he wrote', () => {
  test.each([
    ['author', { author: 'Alice@acme.example' }, 'change'],
    ['committer', { committer: 'alice@acme.example' }, 'change'],
    ['co-author', {}, 'change\n\nCo-authored-by: Alice <alice@acme.example>'],
  ])('as %s', async (_as, who, message) => {
    await start({ approvals: 1 });
    await live.promoted('1.0.0', 'public', {});
    live.commit({ 'libs/money/index.ts': '2' }, message, who);
    const released = live.commit({ 'package.json': '{}' });
    live.push();
    await live.publish('1.0.1', released);
    const items = [live.item('1.0.1')];
    await live.approve('alice', (body) => live.rehashed({ ...body, items }));
    const decision = await live.decide({ items });
    const result = decision.results.find((one) => one.condition === 'approvals');
    expect(result).toMatchObject({
      open: false,
      detail: expect.stringMatching(
        /an approval by alice@acme.example does not count: its signer is an author/,
      ),
      who: ['ci@acme.example', 'bob@acme.example', 'carol@acme.example'],
    });
    expect(decision.open).toBe(false);
    await live.approve('bob', (body) => live.rehashed({ ...body, items }));
    expect((await live.decide({ items })).open).toBe(true);
  });

  test('as author of the release commit, though it touches another folder', async () => {
    await start({ approvals: 1 });
    const released = live.commit({ 'CHANGELOG.md': '2' }, 'release', { author: 'alice@acme.example' });
    live.push();
    await live.publish('1.0.1', released);
    const items = [live.item('1.0.1')];
    await live.approve('alice', (body) => live.rehashed({ ...body, items }));
    expect((await live.decide({ items })).open).toBe(false);
  });

  test('but may, where what he wrote is in the stage already, or elsewhere', async () => {
    await start({ approvals: 1 });
    const first = live.commit({ 'libs/money/index.ts': 'a' }, 'mine', { author: 'alice@acme.example' });
    await live.publish('1.0.1', first);
    await live.promoted('1.0.1', 'public', {});
    live.commit({ 'libs/units/index.ts': 'a' }, 'mine too', { author: 'alice@acme.example' });
    const second = live.commit({ 'libs/money/index.ts': 'b' });
    live.push();
    await live.publish('1.0.2', second);
    const items = [live.item('1.0.2')];
    await live.approve('alice', (body) => live.rehashed({ ...body, items }));
    expect((await live.decide({ items })).open).toBe(true);
  });

  test('nor where a forged record says that it is in the stage already', async () => {
    await start({ approvals: 1 });
    const mine = live.commit({ 'libs/money/index.ts': 'a' }, 'mine', { author: 'alice@acme.example' });
    await live.publish('1.0.1', mine);
    await live.promoted('1.0.1', 'public', {}, null);
    const second = live.commit({ 'libs/money/index.ts': 'b' });
    live.push();
    await live.publish('1.0.2', second);
    const items = [live.item('1.0.2')];
    await live.approve('alice', (body) => live.rehashed({ ...body, items }));
    expect((await live.decide({ items })).open).toBe(false);
  });

  test('unless the policy lets authors', async () => {
    await start({ approvals: { count: 1, allowAuthor: true } });
    const mine = live.commit({ 'libs/money/index.ts': 'a' }, 'mine', { author: 'alice@acme.example' });
    live.push();
    await live.publish('1.0.1', mine);
    const items = [live.item('1.0.1')];
    await live.approve('alice', (body) => live.rehashed({ ...body, items }));
    expect((await live.decide({ items })).open).toBe(true);
  });

  test('and where nobody knows the authors, nobody approves', async () => {
    await start({ approvals: 1 });
    await live.publish('1.0.1', 'f'.repeat(40));
    const items = [live.item('1.0.1')];
    await live.approve('alice', (body) => live.rehashed({ ...body, items }));
    const { open, results } = await live.decide({ items });
    expect(open).toBe(false);
    expect(results.find((one) => one.condition === 'approvals')).toMatchObject({
      open: false,
      detail: expect.stringMatching(/^its commit is not in this clone/),
    });
  });

  test('and a shallow clone, which cannot know, refuses', async () => {
    await start({ approvals: 1 });
    live.commit({ 'README.md': '' });
    live.push();
    await live.approve('bob');
    live.git(live.root, 'clone', '--quiet', '--depth=1', `file://${live.remote}`, 'shallow');
    live.repo = await openRepository(join(live.root, 'shallow'));
    live.ledger = await live.open();
    const before = live.head();
    await expect(live.decide()).rejects.toMatchObject({
      code: 'SHALLOW_CLONE',
      next: expect.stringMatching(/unshallow/),
    });
    expect(live.head()).toBe(before);
  });
});

describe('two approvals', () => {
  test('of one person are one', async () => {
    await start({ approvals: 2 });
    await live.approve('alice');
    await live.approve('alice');
    expect(await approvals()).toMatchObject({
      open: false,
      detail: expect.stringMatching(
        /^1 of 2 approvals \(alice@acme.example\); 1 missing, can be given by ci@/,
      ),
      who: ['ci@acme.example', 'bob@acme.example', 'carol@acme.example'],
    });
    await live.approve('bob');
    expect(await approvals()).toMatchObject({
      open: true,
      detail: '2 of 2 approvals (bob@acme.example, alice@acme.example)',
    });
  });

  test('under two names of one key are one', async () => {
    await start({ approvals: 2 });
    const key = readFileSync(join(live.root, 'alice.pub'), 'utf8');
    live.commit({ '.sluice/allowed_signers': `${live.signers}al@home.example ${key}` });
    live.push();
    await live.approve('alice');
    const options = { run: 'x', now: live.now, signer: await live.signer('alice', 'al@home.example') };
    const [{ record } = { record: undefined }] = (await live.ledger.state()).approvals('public');
    if (!record) throw new Error('no approval');
    const { at: _at, by: _by, run: _run, repository: _repository, ...body } = record;
    await live.ledger.append(
      (state) => [{ ...body, nonce: 'c'.repeat(32), ledgerHead: state.head }],
      options,
    );
    expect(await approvals()).toMatchObject({ open: false, detail: expect.stringMatching(/^1 of 2/) });
  });
});
