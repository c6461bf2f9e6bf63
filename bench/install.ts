import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { mustRun } from './commands.ts';

/** Installs the tools that are compared with, from the bench's own lock file, where that was not done since it changed. */
export async function installCompetitors(): Promise<void> {
  const lock = join(import.meta.dirname, 'package-lock.json');
  const installed = join(import.meta.dirname, 'node_modules', '.package-lock.json');
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return;
  console.log('Installing the tools to compare with (once; they are no part of the workspace) ...');
  await mustRun(['npm', 'ci', '--prefix', import.meta.dirname, '--loglevel=error'], import.meta.dirname);
}

/** Name and version of each tool that is compared with. */
export function competitorVersions(): Record<string, string> {
  const { dependencies } = JSON.parse(readFileSync(join(import.meta.dirname, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  return dependencies;
}
