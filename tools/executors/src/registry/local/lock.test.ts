import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isHeld, takeLock } from './lock.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-lock-'));
  path = join(folder, 'lock');
});
afterEach(() => rm(folder, { recursive: true, force: true }));
/** The pid of a process that has ended. */
const deadPid = (): number => spawnSync(process.execPath, ['--version']).pid;

test('one takes it, the next does not, until it is released', async () => {
  const lock = await takeLock(path);
  expect(lock).toBeDefined();
  expect(await takeLock(path)).toBeUndefined();
  expect(await isHeld(path)).toBe(true);
  await lock?.release();
  expect(await isHeld(path)).toBe(false);
  expect(await takeLock(path)).toBeDefined();
});

test('of many at once exactly one takes it, also over a dead holder', async () => {
  await writeFile(path, `${deadPid()} gone`);
  expect(await isHeld(path)).toBe(false);
  const taken = await Promise.all(Array.from({ length: 20 }, () => takeLock(path)));
  expect(taken.filter(Boolean)).toHaveLength(1);
  expect(await readdir(folder)).toEqual(['lock']);
});

test('a holder that was silent for too long is gone, even if its pid is in use', async () => {
  await writeFile(path, `${process.pid} old`);
  expect(await takeLock(path)).toBeUndefined();
  await utimes(path, new Date(Date.now() - 60_000), new Date(Date.now() - 60_000));
  expect(await takeLock(path)).toBeDefined();
});

test('a lock that is just being written is not taken away', async () => {
  await writeFile(path, '');
  expect(await isHeld(path)).toBe(true);
  expect(await takeLock(path)).toBeUndefined();
});

test('who lost it learns so, and does not release another’s', async () => {
  const lock = await takeLock(path);
  expect(await lock?.touch()).toBe(true);
  await writeFile(path, `${process.pid} another`);
  expect(await lock?.touch()).toBe(false);
  await lock?.release();
  expect(await readFile(path, 'utf8')).toBe(`${process.pid} another`);
  await rm(folder, { recursive: true });
  expect(await lock?.touch()).toBe(false);
});
