import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';

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
