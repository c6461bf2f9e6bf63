// npm run rename -- --scope=@my-org: the samples under your own scope, for those who copied the repository.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { rescoped, SAMPLE, scopeNamed } from '../executors/src/generators/preset/rescope.ts';
import { asSluiceError, errors } from '../executors/src/foundation/index.ts';

const git = (...args: string[]): string =>
  execFileSync('git', args, { encoding: 'utf8', maxBuffer: 64 << 20 });

try {
  const { values } = parseArgs({
    options: {
      scope: { type: 'string' },
      from: { type: 'string', default: SAMPLE },
      'dry-run': { type: 'boolean' },
    },
  });
  const to = scopeNamed(values.scope ?? '');
  const from = scopeNamed(values.from);
  // Whatever goes wrong, `git checkout .` is the way back, and takes nothing else along.
  if (!values['dry-run'] && git('status', '--porcelain', '--untracked-files=no').trim() !== '')
    throw errors.RENAME_TREE_DIRTY({ scope: to });
  let changed = 0;
  for (const file of git('ls-files', '-z').split('\0').filter(Boolean)) {
    const bytes = readFileSync(file);
    if (bytes.includes(0)) continue;
    const before = bytes.toString('utf8');
    const after = rescoped(before, from, to);
    if (after === before) continue;
    changed += 1;
    if (values['dry-run']) process.stdout.write(`${file}\n`);
    else writeFileSync(file, after);
  }
  process.stdout.write(
    values['dry-run'] || changed === 0
      ? `${changed} files have names of ${from} in them\n`
      : `${changed} files: ${from} is ${to} now. Next: npm install, then npm run check-all and npm test\n`,
  );
} catch (thrown) {
  const error = asSluiceError(thrown);
  process.stderr.write(`${error.code === 'UNEXPECTED' ? String(thrown) : error.format()}\n`);
  process.exitCode = 2;
}
