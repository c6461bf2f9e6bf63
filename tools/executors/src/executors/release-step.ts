import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../promotion/context.ts';
export { buildAfresh } from '../versioning/build.ts';
import type { CommonOptions, Settle, Task } from './door.ts';

/** What `nx release` tells its publish step of each project's version. */
export type VersionData = Record<string, { newVersion: string | null }>;

/** In a dry run the new version is in no package.json and in no artifact; what Nx says of it has to do. */
export function foretold(
  task: Task<CommonOptions & { nxReleaseVersionData?: VersionData }>,
  context: Context,
  settle: Settle,
): boolean {
  const said = task.options.nxReleaseVersionData?.[task.project];
  if (!said) return false;
  const version = said.newVersion ?? '';
  const stage = context.options.packages.stages[0]?.name;
  const line = version
    ? `${task.name}@${version} would be built and published into ${stage}`
    : `${task.name}: no new version, nothing to publish`;
  settle({
    project: task.project,
    name: task.name,
    version,
    success: true,
    status: 'planned',
    reached: [],
    line,
  });
  return true;
}

/**
 * Parts the tasks of a release into those whose version has to be published and those whose version is in the first
 * stage already: a commit that changed a package without giving it a version releases nothing of it.
 */
export async function partReleased<O>(
  tasks: Task<O>[],
  context: Context,
  settle: Settle,
): Promise<{ open: Task<O>[]; released: { project: string; name: string; version: string }[] }> {
  const stage = context.options.packages.stages[0]?.name ?? '';
  const state = await (await context.ledger()).refresh();
  const open: Task<O>[] = [];
  const released: { project: string; name: string; version: string }[] = [];
  for (const task of tasks) {
    const { project, name } = task;
    const file = join(context.workspaceRoot, task.root, 'package.json');
    const { version = '' } = JSON.parse(await readFile(file, 'utf8')) as { version?: string };
    if (!state.entered(stage, name, version)) open.push(task);
    else {
      released.push({ project, name, version });
      const line = `${name}@${version} is in ${stage}: no new version, nothing to publish`;
      settle({ project, name, version, success: true, status: 'nothing', reached: [], line });
    }
  }
  return { open, released };
}
