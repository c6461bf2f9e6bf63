import { readFileSync } from 'node:fs';
import { cpus, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { mustRun, ROOT, toolEnv } from './commands.ts';
import { competitorVersions } from './install.ts';
import type { Machine } from './results.ts';

/** What the figures depend on besides the code. */
export async function machineFacts(): Promise<Machine> {
  const version = (name: string): string =>
    (
      JSON.parse(readFileSync(join(ROOT, 'node_modules', name, 'package.json'), 'utf8')) as {
        version: string;
      }
    ).version;
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryBytes: totalmem(),
    system: `${type()} ${release().split('.').slice(0, 2).join('.')}`,
    node: process.versions.node,
    npm: (await mustRun(['npm', '--version'], ROOT, toolEnv(process.env['HOME'] ?? ROOT))).trim(),
    nx: version('nx'),
    verdaccio: version('verdaccio'),
    competitors: competitorVersions(),
  };
}

export async function currentCommit(): Promise<string> {
  return (await mustRun(['git', 'rev-parse', 'HEAD'], ROOT)).trim();
}
