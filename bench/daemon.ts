import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { mustRun, toolEnv } from './commands.ts';

export const NX = ['node', 'node_modules/.bin/nx'];

/** Starts Nx's daemon in a workspace and lets it read the graph: no user waits for that with every command. */
export async function startDaemon(tree: string, env: NodeJS.ProcessEnv): Promise<void> {
  await mustRun([...NX, 'show', 'projects'], tree, { ...env, NX_DAEMON: 'true' });
}

export async function stopDaemon(tree: string): Promise<void> {
  await mustRun([...NX, 'daemon', '--stop'], tree, toolEnv(tree, { NX_DAEMON: 'true' }));
}

/** The same without waiting, for an end in a hurry: by the process id that the daemon wrote down. */
export function killDaemon(tree: string): void {
  try {
    const file = join(tree, '.nx', 'workspace-data', 'd', 'server-process.json');
    const { processId } = JSON.parse(readFileSync(file, 'utf8')) as { processId?: number };
    if (processId !== undefined) process.kill(processId);
  } catch {
    // None was started, or it has ended.
  }
}
