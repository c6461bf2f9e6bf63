import { readdir, rm, stat } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { errors } from '../../foundation/index.ts';
import { askToStop, readState } from './client.ts';
import { IMAGES } from './images.ts';
import { isHeld } from './lock.ts';
import { localPaths, stagePaths } from './paths.ts';

const STOPPED_MS = 10_000;

/**
 * Deletes what the local registries of a workspace keep, and the local ledger that tells of it; nothing else below
 * `.sluice/local`. Names the stages that lost theirs.
 * @throws LOCAL_REGISTRIES_BUSY where another process is using them
 */
export async function resetLocalRegistries(workspaceRoot: string): Promise<string[]> {
  const paths = localPaths(workspaceRoot);
  const until = Date.now() + STOPPED_MS;
  while (await isHeld(paths.lock)) {
    const state = await readState(paths);
    const answer = state ? await askToStop(state) : 'gone';
    if (answer === 'busy' || Date.now() > until) throw errors.LOCAL_REGISTRIES_BUSY({ pid: state?.pid });
    await pause(25);
  }
  const folders = await readdir(paths.folder, { withFileTypes: true }).catch(() => []);
  const removed: string[] = [];
  for (const { name } of folders.filter((entry) => entry.isDirectory())) {
    const stage = stagePaths(paths, name);
    // What marks a folder as one of ours: the images' registry has no such users' file.
    const mark = name === IMAGES ? stage.credentials : stage.htpasswd;
    if (!(await stat(mark).catch(() => undefined))) continue;
    await rm(stage.folder, { recursive: true, force: true });
    removed.push(name);
  }
  await rm(paths.npmrc, { force: true });
  await rm(paths.ledger, { recursive: true, force: true });
  return removed.sort();
}
