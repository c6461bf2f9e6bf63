import { randomBytes } from 'node:crypto';
import { open, readFile, rename, rm, stat, utimes } from 'node:fs/promises';

/** A holder that lives touches its lock every second; one that did not for this long is gone, even if its pid is in use again. */
const SILENT_MS = 20_000;

export interface Lock {
  /** Shows that the holder lives; false where the lock was lost (its folder is gone, or somebody took it for dead). */
  touch(): Promise<boolean>;
  release(): Promise<void>;
}

/** Takes the lock if nobody alive holds it; undefined where somebody does. Settles races between processes. */
export async function takeLock(path: string): Promise<Lock | undefined> {
  const content = `${process.pid} ${randomBytes(8).toString('hex')}`;
  for (let attempt = 0; attempt < 3; attempt++) {
    if (await create(path, content)) return lock(path, content);
    const stale = await staleContent(path);
    if (stale === undefined) return undefined;
    await removeStale(path, stale);
  }
  return undefined;
}

/** Whether somebody alive holds the lock. */
export async function isHeld(path: string): Promise<boolean> {
  const there = await stat(path).catch(() => undefined);
  return there !== undefined && (await staleContent(path)) === undefined;
}

function lock(path: string, content: string): Lock {
  const ours = async (): Promise<boolean> => (await readFile(path, 'utf8').catch(() => '')) === content;
  return {
    async touch() {
      if (!(await ours())) return false;
      const now = new Date();
      await utimes(path, now, now).catch(() => {});
      return true;
    },
    async release() {
      if (await ours()) await rm(path, { force: true });
    },
  };
}

async function create(path: string, content: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx', 0o600);
    await file.writeFile(content).finally(() => file.close());
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** The content of a lock whose holder is gone; undefined where it lives, or where there is no lock at all. */
async function staleContent(path: string): Promise<string | undefined> {
  try {
    const [content, { mtimeMs }] = await Promise.all([readFile(path, 'utf8'), stat(path)]);
    const pid = Number.parseInt(content, 10);
    const silent = Date.now() - mtimeMs > SILENT_MS;
    // An empty lock is one that is just being written.
    return silent || (content !== '' && !isAlive(pid)) ? content : undefined;
  } catch {
    return undefined;
  }
}

/** Moving it aside is atomic: of several who find it stale one does; and if it was a fresh one by then, it goes back. */
async function removeStale(path: string, stale: string): Promise<void> {
  const aside = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    await rename(path, aside);
  } catch {
    return;
  }
  const moved = await readFile(aside, 'utf8').catch(() => stale);
  if (moved !== stale) await create(path, moved);
  await rm(aside, { force: true });
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
