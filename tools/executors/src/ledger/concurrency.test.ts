import { spawn } from 'node:child_process';
import { once as event } from 'node:events';
import { chmod, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { BRANCH, held, makeWorld, once, type World } from './testing/world.ts';

let world: World;
beforeEach(async () => void (world = await makeWorld()));
afterEach(() => world.remove());

const run = { run: 'test' };
const versions = async () => {
  const ledger = await world.ledger(await world.clone(`reader-${Math.random()}`));
  const state = await ledger.refresh();
  expect(await ledger.audit()).toEqual([]);
  const paths = (await world.git(world.remote, 'ls-tree', '-r', '--name-only', BRANCH)).split('\n');
  const batches = await Promise.all(paths.map((path) => ledger.batch(path)));
  const found = batches
    .flatMap(({ records }) => records)
    .map((record) => ('version' in record ? record.version : ''));
  expect(found.length).toBe(state.count);
  return found.sort();
};

/** A process of its own that appends; resolves with its exit code, or null after a kill. */
async function writer(clone: string, version: string): Promise<number | null> {
  const script = join(import.meta.dirname, 'testing', 'append.ts');
  const child = spawn(process.execPath, [script, clone, version], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  await writeFile(join(world.folder, 'writer.pid'), `${child.pid}`);
  const [code] = (await event(child, 'exit')) as [number | null];
  return code;
}

it('takes in eight concurrent writers from four clones', async () => {
  const clones = await Promise.all(['a', 'b', 'c', 'd'].map((name) => world.clone(name)));
  const writers = clones.flatMap((clone, index) => [
    [clone, `1.${index}.0`],
    [clone, `1.${index}.1`],
  ]);
  await Promise.all(
    writers.map(async ([clone = '', version = '']) => {
      const ledger = await world.ledger(clone);
      await ledger.append(once(version), run);
      await ledger.append(once(`${version}-again`), run);
    }),
  );
  const wanted = writers.flatMap(([, version]) => [version as string, `${version}-again`]);
  expect(await versions()).toEqual(wanted.sort());
});

it('records once what two clones want to record at the same time', async () => {
  const ledgers = await Promise.all(
    ['a', 'b', 'c'].map(async (name) => world.ledger(await world.clone(name))),
  );
  await Promise.all(ledgers.map((ledger) => ledger.refresh()));
  const results = await Promise.all(ledgers.map((ledger) => ledger.append(once('1.0.0'), run)));
  expect(results.map(({ appended }) => appended.length).sort()).toEqual([0, 0, 1]);
  expect(await versions()).toEqual(['1.0.0']);
});

it('takes in writers that share a clone without a remote', async () => {
  const clone = await world.clone('a');
  const alone = { remote: undefined, push: false };
  const ledgers = await Promise.all(['1', '2', '3', '4'].map(() => world.ledger(clone, alone)));
  await Promise.all(ledgers.map((ledger, index) => ledger.append(once(`1.${index}.0`), run)));
  const state = await (await world.ledger(clone, alone)).refresh();
  expect(state.count).toBe(4);
});

it.each([
  ['before the remote took it', 'kill -9 "$pid"; sleep 0.05; exit 1'],
  ['after the remote took it, before the answer', 'kill -9 "$pid"'],
])('neither loses nor doubles a record when the writer is killed %s', async (_, then) => {
  const clone = await world.clone('a');
  await (await world.ledger(clone)).append(once('1.0.0'), run);
  const hook = join(world.remote, 'hooks', 'pre-receive');
  await writeFile(hook, `#!/bin/sh\npid=$(cat "${world.folder}/writer.pid")\n${then}\n`);
  await chmod(hook, 0o755);
  expect(await writer(clone, '1.1.0')).toBeNull();
  await rename(hook, `${hook}.off`);

  // What the killed one's git still had on the way arrives or does not; the next run finds out.
  await (await world.ledger(clone)).append(once('1.1.0'), run);
  await (await world.ledger(await world.clone('b'))).append(once('1.1.0'), run);
  expect(await versions()).toEqual(['1.0.0', '1.1.0']);
});

it('keeps what it could not send, and sends it with the next records, on top of what others wrote', async () => {
  const clone = await world.clone('a');
  const ledger = await world.ledger(clone);
  await ledger.append(once('1.0.0'), run);
  await rename(world.remote, `${world.remote}.away`);

  await expect(ledger.append(once('1.1.0'), run)).rejects.toMatchObject({
    code: 'LEDGER_UNREACHABLE',
    transient: true,
    state: expect.stringContaining('kept in this clone'),
  });
  const later = await world.ledger(clone);
  await expect(later.refresh()).rejects.toMatchObject({ code: 'LEDGER_UNREACHABLE', transient: true });
  await expect(later.append(once('1.2.0'), run)).rejects.toMatchObject({ code: 'LEDGER_UNREACHABLE' });
  // The same again is known already.
  await expect(later.append(once('1.2.0'), run)).rejects.toMatchObject({ code: 'LEDGER_UNREACHABLE' });
  expect((await later.state()).count).toBe(3);

  await rename(`${world.remote}.away`, world.remote);
  await (await world.ledger(await world.clone('b'))).append(once('1.0.9'), run);
  expect((await (await world.ledger(clone)).refresh()).count).toBe(4);
  const { appended, state } = await (await world.ledger(clone)).append(once('1.2.0'), run);
  expect([appended, state.count]).toEqual([[], 4]);
  expect(await versions()).toEqual(['1.0.0', '1.0.9', '1.1.0', '1.2.0']);
});

it('carries over what was written before there was a remote', async () => {
  const clone = await world.clone('a');
  const alone = await world.ledger(clone, { remote: undefined, push: false });
  await alone.append(once('1.0.0'), run);
  await alone.append(once('1.1.0'), run);
  await (await world.ledger(await world.clone('b'))).append(once('2.0.0'), run);

  await (await world.ledger(clone)).append(once('3.0.0'), run);
  expect(await versions()).toEqual(['1.0.0', '1.1.0', '2.0.0', '3.0.0']);
});

it('tells a remote that says no from one that is busy', async () => {
  const hook = join(world.remote, 'hooks', 'pre-receive');
  await writeFile(hook, '#!/bin/sh\necho "this branch is protected" >&2\nexit 1\n');
  await chmod(hook, 0o755);
  const ledger = await world.ledger(await world.clone('a'));
  await expect(ledger.append(() => [held('1.0.0')], run)).rejects.toMatchObject({
    code: 'LEDGER_REFUSED',
    message: expect.stringContaining('this branch is protected'),
  });
  expect(await world.git(world.remote, 'for-each-ref', '--format=%(refname)')).toBe('refs/heads/main');
});

it('gives up when others are first every time', async () => {
  const clone = await world.clone('a');
  await (await world.ledger(clone)).append(once('1.0.0'), run);
  const hook = join(world.remote, 'hooks', 'pre-receive');
  const race = `commit-tree -p ${BRANCH} -m first ${BRANCH}^{tree}`;
  const script = `#!/bin/sh
unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.com GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.com
git update-ref refs/heads/${BRANCH} "$(git ${race})"
exit 1
`;
  await writeFile(hook, script);
  await chmod(hook, 0o755);
  const ledger = await world.ledger(clone, { attempts: 3 });
  await expect(ledger.append(once('1.1.0'), run)).rejects.toMatchObject({
    code: 'LEDGER_BUSY',
    transient: true,
  });
  expect((await ledger.refresh()).count).toBe(1);
});
