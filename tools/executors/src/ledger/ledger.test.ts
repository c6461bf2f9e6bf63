import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Secret } from '../foundation/index.ts';
import { BRANCH, held, makeWorld, once, type World } from './testing/world.ts';

let world: World;
beforeEach(async () => void (world = await makeWorld()));
afterEach(() => world.remove());

const run = { run: 'test' };
const files = async (cwd: string, ref = BRANCH) =>
  (await world.git(cwd, 'ls-tree', '-r', '--name-only', ref)).split('\n');

describe('a ledger', () => {
  it('adds one commit with one batch file, and gives it back', async () => {
    const ledger = await world.ledger(await world.clone('a'));
    const { state, appended } = await ledger.append(() => [held('1.0.0'), held('1.1.0')], run);

    expect(appended.map((record) => record.repository)).toEqual([
      'example.com/acme/shop',
      'example.com/acme/shop',
    ]);
    expect(await world.git(world.remote, 'rev-parse', BRANCH)).toBe(state.head);
    const [path = '', ...others] = await files(world.remote);
    expect(others).toEqual([]);
    expect(path).toMatch(/^records\/\d{4}\/\d\d\/\d\d\/\d{8}T\d{9}Z-[0-9a-f]{16}\.json$/);
    expect(await ledger.batch(path)).toEqual({ schemaVersion: 1, records: appended, signature: null });
    expect(await ledger.commitOf(path)).toBe(state.head);
    expect(state.hold('money', '1.1.0')).toMatchObject({ batch: path, order: 1 });
    expect(await ledger.audit()).toEqual([]);
    await expect(ledger.batch('records/none.json')).rejects.toMatchObject({ code: 'LEDGER_BATCH_UNKNOWN' });
  });

  it('makes no commit where nothing is to be recorded, and is empty where there is no branch', async () => {
    const ledger = await world.ledger(await world.clone('a'));
    expect((await ledger.refresh()).head).toBeNull();
    const { state, appended } = await ledger.append(() => [], run);
    expect([state.count, state.head, appended]).toEqual([0, null, []]);
    expect(await world.git(world.remote, 'for-each-ref', '--format=%(refname)')).toBe('refs/heads/main');
  });

  it('leaves work tree, index and HEAD as they are', async () => {
    const clone = await world.clone('a');
    await writeFile(join(clone, 'staged.txt'), 'staged');
    await world.git(clone, 'add', 'staged.txt');
    await writeFile(join(clone, 'README.md'), 'changed');
    await writeFile(join(clone, 'new.txt'), 'new');
    const look = async () => [
      await world.git(clone, 'status', '--porcelain=v2', '--branch'),
      await world.git(clone, 'diff', '--cached'),
      await world.git(clone, 'stash', 'list'),
      (await readFile(join(clone, '.git/index'))).toString('hex'),
      await readFile(join(clone, '.git/HEAD'), 'utf8'),
    ];
    const before = await look();
    const ledger = await world.ledger(clone);
    await ledger.append(once('1.0.0'), run);
    await ledger.refresh();
    expect(await look()).toEqual(before);
  });

  it('works from a shallow clone and a detached head, and there reads from its first record on', async () => {
    const other = await world.ledger(await world.clone('a'));
    await other.append(once('1.0.0'), run);
    await other.append(once('1.1.0'), run);
    const shallow = join(world.folder, 'shallow');
    await world.git(
      world.folder,
      'clone',
      '-q',
      '--depth=1',
      '--no-single-branch',
      `file://${world.remote}`,
      shallow,
    );
    await world.git(shallow, 'checkout', '--quiet', '--detach');

    const ledger = await world.ledger(shallow);
    const { state } = await ledger.append(once('1.2.0'), run);
    expect(state.count).toBe(3);
    expect(await ledger.audit()).toEqual([]);
    expect((await files(world.remote)).length).toBe(3);
  });

  it('works without a remote, in this repository or in one of its own', async () => {
    const clone = await world.clone('a');
    const gitDir = join(clone, '.sluice/local/ledger.git');
    for (const place of [{}, { gitDir }]) {
      const alone = { remote: undefined, push: false, ...place };
      await (await world.ledger(clone, alone)).append(once('1.0.0'), run);
      await (await world.ledger(clone, alone)).append(once('1.0.0'), run);
      const again = await world.ledger(clone, alone);
      expect([(await again.refresh()).count, (await again.state()).count]).toEqual([1, 1]);
    }
    expect(await files(gitDir)).toHaveLength(1);
    expect(await files(clone)).toHaveLength(1);
    expect(await world.git(world.remote, 'for-each-ref', '--format=%(refname)')).toBe('refs/heads/main');
  });

  it('writes no secret', async () => {
    const secret = new Secret('hunter2-and-more');
    const ledger = await world.ledger(await world.clone('a'));
    const { state } = await ledger.append(() => [held('1.0.0', `it said ${secret.reveal()}`)], {
      run: `run-${secret.reveal()}`,
    });
    expect(state.hold('money', '1.0.0')?.record.reason).toBe('it said [redacted]');
    const [path] = await files(world.remote);
    expect(await world.git(world.remote, 'show', `${BRANCH}:${path}`)).not.toContain('hunter2');
    expect(await world.git(world.remote, 'log', BRANCH)).not.toContain('hunter2');
  });

  it('leaves what is looked up as it is, also where it reads like a secret', async () => {
    // A variable such as SECRET_BACKEND=money makes an ordinary word known as one.
    new Secret('money-or-not').toString();
    const ledger = await world.ledger(await world.clone('a'));
    const named = { ...held('1.0.0'), name: 'money-or-not', project: 'money-or-not' };
    const { state } = await ledger.append(() => [named], run);
    expect(state.hold('money-or-not', '1.0.0')?.record.project).toBe('money-or-not');
  });

  it('refuses a record that it could not read again, and an unsigned one where signatures are asked for', async () => {
    const clone = await world.clone('a');
    const ledger = await world.ledger(clone);
    await expect(ledger.append(() => [{ ...held('1.0.0'), integrity: '' }], run)).rejects.toMatchObject({
      code: 'LEDGER_RECORD_INVALID',
    });
    const strict = await world.ledger(clone, { requireSignature: true });
    await expect(strict.append(once('1.0.0'), run)).rejects.toMatchObject({ code: 'LEDGER_UNSIGNED' });
    expect((await ledger.refresh()).head).toBeNull();
  });

  it('commits as sluice where git knows no name', async () => {
    const clone = await world.clone('a');
    const nobody = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' };
    const before = { ...process.env };
    Object.assign(process.env, nobody);
    try {
      await (await world.ledger(clone)).append(once('1.0.0'), run);
    } finally {
      for (const name of Object.keys(nobody)) {
        if (before[name] === undefined) delete process.env[name];
        else process.env[name] = before[name];
      }
    }
    expect(await world.git(world.remote, 'log', '-1', '--format=%an', BRANCH)).toBe('sluice');
  });
});
