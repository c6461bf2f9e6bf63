import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BRANCH, held, makeWorld, once, type World } from './testing/world.ts';

let world: World;
let clone: string;
beforeEach(async () => {
  world = await makeWorld();
  clone = await world.clone('a');
});
afterEach(() => world.remove());

const run = { run: 'test' };
const bare = (...args: string[]) => world.git(world.remote, ...args);

/** A ledger of two commits, and a clone of the attacker's with the branch checked out. */
async function tamper(change: (folder: string, path: string) => Promise<void>) {
  const ledger = await world.ledger(clone);
  await ledger.append(once('1.0.0'), run);
  await ledger.append(once('1.1.0'), run);
  const attacker = await world.clone('attacker', `--branch=${BRANCH}`);
  const [path = ''] = (await world.git(attacker, 'ls-files')).split('\n');
  await change(attacker, path);
  await world.git(attacker, 'push', '--quiet', '--force', 'origin', `HEAD:${BRANCH}`);
  return { ledger, path, commit: await bare('rev-parse', BRANCH) };
}
const commit = async (folder: string) => {
  await world.git(folder, 'add', '--all');
  await world.git(folder, 'commit', '--quiet', '-m', 'tampered');
};

describe('a rewritten ledger', () => {
  it('is refused, with both heads, until it is accepted knowingly', async () => {
    const { ledger, commit: found } = await tamper((folder) =>
      world.git(folder, 'reset', '--hard', '--quiet', 'HEAD~1').then(() => undefined),
    );
    const seen = await world.git(clone, 'rev-parse', `refs/sluice/seen/${BRANCH}`);
    const rewritten = { code: 'LEDGER_REWRITTEN', details: { seen, found } };
    await expect(ledger.refresh()).rejects.toMatchObject(rewritten);
    await expect((await world.ledger(clone)).append(once('1.2.0'), run)).rejects.toMatchObject(rewritten);
    expect(await bare('rev-parse', BRANCH)).toBe(found);
    expect(await world.git(clone, 'for-each-ref', 'refs/sluice/landing')).toBe('');

    const error = await ledger.refresh().catch((thrown: { next: string }) => thrown);
    const [, accept = ''] = /knowingly: (.*)$/.exec((error as { next: string }).next) ?? [];
    for (const command of accept.split(' && ')) await world.git(clone, ...command.split(' ').slice(1));
    expect((await ledger.refresh()).count).toBe(1);
  });

  it('is refused where the branch is gone, or replaced by another history', async () => {
    const ledger = await world.ledger(clone);
    await ledger.append(once('1.0.0'), run);
    const head = await bare('rev-parse', BRANCH);
    await bare('update-ref', '-d', `refs/heads/${BRANCH}`);
    await expect(ledger.refresh()).rejects.toMatchObject({
      code: 'LEDGER_REWRITTEN',
      details: { found: null },
    });
    await bare('update-ref', `refs/heads/${BRANCH}`, 'main');
    await expect(ledger.refresh()).rejects.toMatchObject({ code: 'LEDGER_REWRITTEN' });
    await bare('update-ref', `refs/heads/${BRANCH}`, head);
    expect((await ledger.refresh()).count).toBe(1);
  });

  it('is seen without a remote as well', async () => {
    const alone = { remote: undefined, push: false };
    const ledger = await world.ledger(clone, alone);
    await ledger.append(once('1.0.0'), run);
    await ledger.append(once('1.1.0'), run);
    await world.git(clone, 'update-ref', `refs/heads/${BRANCH}`, `${BRANCH}~1`);
    await expect((await world.ledger(clone, alone)).refresh()).rejects.toMatchObject({
      code: 'LEDGER_REWRITTEN',
    });
  });
});

describe('a tampered batch', () => {
  it('keeps its first content when it is edited, and the edit is reported', async () => {
    const {
      ledger,
      path,
      commit: culprit,
    } = await tamper(async (folder, path) => {
      const file = join(folder, path);
      await writeFile(file, (await readFile(file, 'utf8')).replaceAll('1.0.0', '6.6.6'));
      await commit(folder);
    });
    for (const reader of [ledger, await world.ledger(await world.clone('fresh'))]) {
      const state = await reader.refresh();
      expect([state.hold('money', '1.0.0')?.batch, state.hold('money', '6.6.6')]).toEqual([path, undefined]);
      expect((await reader.batch(path)).records).toMatchObject([{ version: '1.0.0' }]);
      expect(await reader.audit()).toEqual([
        { path, commit: culprit, problem: 'changes a record that was written before' },
      ]);
    }
  });

  it('still counts when it is deleted, and when another is put in its place', async () => {
    const { ledger, path } = await tamper(async (folder, path) => {
      const content = await readFile(join(folder, path), 'utf8');
      await rm(join(folder, path));
      await commit(folder);
      await world.git(folder, 'commit', '--quiet', '--allow-empty', '-m', 'between');
      await world.git(folder, 'checkout', '--quiet', 'HEAD~2', '--', path);
      await writeFile(join(folder, path), content.replaceAll('1.0.0', '6.6.6'));
      await commit(folder);
    });
    const state = await ledger.refresh();
    expect([state.count, state.hold('money', '6.6.6')]).toEqual([2, undefined]);
    expect((await ledger.audit()).map(({ path: at, problem }) => [at, problem])).toEqual([
      [path, 'deletes a record that was written before'],
      [path, 'adds a record a second time'],
    ]);
  });

  it.each([
    ['is not JSON', '{"schemaVersion":', 'it is not JSON'],
    ['has another schema', '{"schemaVersion":2,"records":[]}', 'its schemaVersion is 2, not 1'],
    [
      'holds a type that nobody knows',
      '{"schemaVersion":1,"signature":null,"records":[{"type":"blessed"}]}',
      'record 0: its type "blessed" is unknown',
    ],
  ])('is named where it %s', async (_, content, problem) => {
    const path = 'records/2026/01/01/20260101T000000000Z-aa.json';
    const { ledger, commit: culprit } = await tamper(async (folder) => {
      await world.git(folder, 'rm', '-r', '--quiet', '--cached', '.');
      await world.git(folder, 'reset', '--quiet', '--hard');
      await writeFile(join(folder, 'batch'), content);
      const blob = await world.git(folder, 'hash-object', '-w', 'batch');
      await rm(join(folder, 'batch'));
      await world.git(folder, 'update-index', '--add', '--cacheinfo', `100644,${blob},${path}`);
      await world.git(folder, 'commit', '--quiet', '-m', 'corrupt');
    });
    const message = `the ledger has a batch that cannot be read: ${path}, added by commit ${culprit}: ${problem}`;
    await expect(ledger.refresh()).rejects.toMatchObject({ code: 'LEDGER_CORRUPT', message });
    await expect(ledger.append(once('9.0.0'), run)).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' });
    await expect(ledger.batch(path)).rejects.toMatchObject({ code: 'LEDGER_BATCH_UNKNOWN' });
    expect(await ledger.audit()).toEqual([{ path, commit: culprit, problem }]);
    expect(await bare('rev-parse', BRANCH)).toBe(culprit);
  });

  it('does not come in by a merge, a second file or a file of another kind', async () => {
    const { ledger } = await tamper(async (folder, path) => {
      const content = await readFile(join(folder, path), 'utf8');
      await world.git(folder, 'branch', 'side', 'HEAD~1');
      await writeFile(join(folder, 'notes.md'), 'notes');
      await writeFile(join(folder, path.replace('.json', '-b.json')), content.replaceAll('1.0.0', '3.0.0'));
      await writeFile(join(folder, path.replace('.json', '-c.json')), content.replaceAll('1.0.0', '3.1.0'));
      await commit(folder);
      await world.git(folder, 'merge', '--quiet', '--no-ff', '--no-commit', '-s', 'ours', 'side');
      await world.git(folder, 'commit', '--quiet', '--allow-empty', '-m', 'merge');
      await world.git(folder, 'checkout', '--quiet', 'side');
      await world.git(folder, 'commit', '--quiet', '--allow-empty', '-m', 'side');
      await world.git(folder, 'checkout', '--quiet', BRANCH);
      await world.git(folder, 'merge', '--quiet', '--no-ff', '--no-commit', 'side');
      await writeFile(
        join(folder, path.replace('.json', '-evil.json')),
        content.replaceAll('1.0.0', '6.6.6'),
      );
      await commit(folder);
    });
    expect((await ledger.refresh()).hold('money', '6.6.6')).toBeUndefined();
    expect(new Set((await ledger.audit()).map(({ problem }) => problem))).toEqual(
      new Set([
        'a merge: the ledger has one line of history',
        'adds a file that is no batch',
        'adds more than one batch',
      ]),
    );
  });
});

describe('the snapshot', () => {
  const many = Array.from({ length: 300 }, (_, index) => `1.0.${index}`);

  /** Three hundred batches, one after the other. */
  async function longLedger() {
    const { commitAdditions } = await import('./commit.ts');
    const { openRepository } = await import('../git/index.ts');
    const { batchText, complete } = await import('./write.ts');
    const repository = await openRepository(clone);
    const common = { at: '2026-01-01T00:00:00Z', repository: 'r', by: 'unsigned', run: '1' };
    const additions = await Promise.all(
      many.map(async (version, index) => ({
        path: `records/2026/01/01/${String(index).padStart(4, '0')}.json`,
        content: Buffer.from(await batchText(complete([held(version)], common), undefined)),
        message: version,
      })),
    );
    const added = await commitAdditions(repository, null, additions, { identity: 'a <a@b>', at: new Date() });
    await world.git(clone, 'push', '--quiet', 'origin', `${added.at(-1)?.commit}:refs/heads/${BRANCH}`);
    return added;
  }
  const snapshots = async () => {
    const folder = join(clone, '.git/sluice');
    const names = await readdir(folder).catch(() => []);
    return names.map((name) => join(folder, name));
  };

  it('is written once, used, grown from, and made anew when it is broken', async () => {
    const added = await longLedger();
    expect((await (await world.ledger(clone)).refresh()).count).toBe(300);
    const [file = '', ...others] = await snapshots();
    expect(others).toEqual([]);
    const whole = await readFile(file);

    const ledger = await world.ledger(clone);
    await ledger.append(once('2.0.0'), run);
    const state = await (await world.ledger(clone)).refresh();
    expect([state.count, state.hold('money', '1.0.7')?.batch]).toEqual([301, added[7]?.path]);
    expect(await ledger.commitOf(added[7]?.path ?? '')).toBe(added[7]?.commit);
    expect((await readFile(file)).equals(whole)).toBe(true);

    const flipped = Buffer.from(whole);
    flipped[flipped.length - 9] = (flipped[flipped.length - 9] ?? 0) ^ 1;
    for (const broken of [
      whole.subarray(0, whole.length - 5),
      Buffer.from('{}\n'),
      flipped,
      Buffer.alloc(0),
    ]) {
      await writeFile(file, broken);
      const again = await (await world.ledger(clone)).refresh();
      expect([again.count, again.hold('money', '1.0.299')?.record.version]).toEqual([301, '1.0.299']);
      expect((await readFile(file)).length).toBeGreaterThan(whole.length);
    }
  });

  it('of a history that is no longer there is not used', async () => {
    await longLedger();
    await (await world.ledger(clone)).refresh();
    await world.git(clone, 'update-ref', '-d', `refs/sluice/seen/${BRANCH}`);
    await world.git(clone, 'update-ref', '-d', `refs/heads/${BRANCH}`);
    await bare('update-ref', '-d', `refs/heads/${BRANCH}`);
    await (await world.ledger(await world.clone('b'))).append(once('9.0.0'), run);
    const state = await (await world.ledger(clone)).refresh();
    expect([state.count, state.hold('money', '1.0.7')]).toEqual([1, undefined]);
  });
});
