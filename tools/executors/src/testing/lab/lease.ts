import { readdir, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cache } from './machine.ts';

/** So many hosts may exist at once on this machine, for everyone who tests on it. */
const POOL = Number(process.env['SLUICE_LAB_HOSTS'] ?? 12);
const WAIT_MS = 300_000;

/**
 * A name of the pool that nobody else has until `release`. A holder that died holds nothing. The `last` ones are for rare kinds of
 * hosts: there the images stay that these had to load.
 */
export async function lease(
  from: 'first' | 'last' = 'first',
): Promise<{ name: string; release(): Promise<void> }> {
  const folder = join(cache, 'leases');
  await mkdir(folder, { recursive: true });
  const mine = `${process.pid} ${await startOf(process.pid)}`;
  for (const end = Date.now() + WAIT_MS; Date.now() < end; await sleep(250)) {
    for (let number = 1; number <= POOL; number += 1) {
      const name = `sluice-lab-${from === 'first' ? number : POOL + 1 - number}`;
      const file = join(folder, name);
      if (await take(file, mine)) return { name, release: () => rm(file, { force: true }) };
    }
  }
  throw new Error(
    `all ${POOL} hosts of the lab are leased: ${(await readdir(folder)).join(', ')} (SLUICE_LAB_HOSTS)`,
  );
}

async function take(file: string, mine: string): Promise<boolean> {
  try {
    await writeFile(file, mine, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const theirs = await readFile(file, 'utf8').catch(() => undefined);
  if (theirs === undefined || theirs === '' || (await isAlive(theirs))) return false;
  // Of those who find it dead at once only one can rename it; who renamed a newer one by mistake puts it back.
  const aside = `${file}.${process.pid}`;
  const moved = await rename(file, aside).then(
    () => true,
    () => false,
  );
  if (!moved) return false;
  if ((await readFile(aside, 'utf8')) !== theirs) {
    await rename(aside, file);
    return false;
  }
  await rm(aside);
  return take(file, mine);
}

async function isAlive(holder: string): Promise<boolean> {
  const [pid, start] = holder.split(' ');
  return (await startOf(Number(pid))) === start;
}

/** When the process was started, in ticks since boot: a pid alone is used again. Empty where there is none. */
async function startOf(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}
