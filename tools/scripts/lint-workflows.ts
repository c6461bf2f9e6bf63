import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { tool } from '../executors/test/workflows/tools.ts';

/**
 * `npm run lint:workflows`: actionlint and zizmor over `.github/workflows`. What this machine does not have is left out, and said so;
 * `.ci/prepare-tools` installs it, and CI has it.
 */
const FOLDER = '.github/workflows';
const files = readdirSync(FOLDER).map((file) => join(FOLDER, file));
const checks = [
  ['actionlint-v1.7.7', ['-no-color', ...files]],
  ['zizmor-1.32.0', ['--no-online-audits', '--no-progress', '--quiet', FOLDER]],
] as const;

for (const [name, args] of checks) {
  const program = tool(name);
  if (program === undefined) console.log(`left out: ${name} (.ci/prepare-tools installs it)`);
  else if (spawnSync(program, args, { stdio: 'inherit' }).status === 0) console.log(`${name}: clean`);
  else process.exitCode = 1;
}
