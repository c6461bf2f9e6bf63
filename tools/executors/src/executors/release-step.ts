import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Context } from '../promotion/context.ts';
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

/**
 * Builds artifacts in a run of Nx of its own. Within `nx release` Nx still goes by the files as they were before the
 * versions were written: a build in there would be taken from, and stored under, what is no longer so; and with
 * `--projects` it would be left out. What fails to build is left to the publish, which names the artifact that it misses.
 */
export async function buildAfresh(workspaceRoot: string, target: string, projects: string[]): Promise<void> {
  if (projects.length === 0) return;
  const nx = createRequire(join(workspaceRoot, 'package.json')).resolve('nx/bin/nx.js');
  const args = [nx, 'run-many', '-t', target, '-p', projects.join(','), '--output-style=static'];
  // The variables of the task that we run in would make the new run believe that it is a part of it.
  const ofTheTask = /^NX_(TASK|INVOKED|FORKED|TERMINAL|LOAD_DOT|PREFIX|STREAM)/;
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !ofTheTask.test(name)));
  try {
    await promisify(execFile)(process.execPath, args, {
      cwd: workspaceRoot,
      env,
      maxBuffer: 64 * 1024 * 1024,
    });
  } catch (error) {
    process.stderr.write((error as { stdout?: string }).stdout ?? '');
  }
}
