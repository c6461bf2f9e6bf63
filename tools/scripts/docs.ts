import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { cliPage } from './docs/cli.ts';
import { errorsPage } from './docs/errors.ts';
import { executorsPage } from './docs/executors.ts';
import { generatorsPage } from './docs/generators.ts';
import { optionsPage } from './docs/options.ts';
import { servicePage } from './docs/service.ts';

/**
 * `npm run docs:reference` writes the reference pages from what the code itself goes by: schemas, commands, error catalogue.
 * `npm run docs:check` writes nothing and fails where a page is stale.
 */
const workspace = join(import.meta.dirname, '../..');
const check = process.argv.includes('--check');
const pages = {
  'docs/reference/options.md': optionsPage,
  'docs/reference/service.md': servicePage,
  'docs/reference/executors.md': executorsPage,
  'docs/reference/generators.md': generatorsPage,
  'docs/reference/cli.md': cliPage,
  'docs/reference/errors.md': errorsPage,
};

const stale: string[] = [];
for (const [page, make] of Object.entries(pages)) {
  const file = join(workspace, page);
  const config = await resolveConfig(file);
  const text = await format(await make(workspace), { ...config, filepath: file });
  if (text === (await readFile(file, 'utf8').catch(() => undefined))) continue;
  stale.push(relative(workspace, file));
  if (check) continue;
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}

if (check && stale.length > 0) {
  process.stderr.write(`stale: ${stale.join(', ')}\n  next: npm run docs:reference, then commit\n`);
  process.exitCode = 1;
} else {
  process.stdout.write(
    stale.length > 0 ? `written: ${stale.join(', ')}\n` : 'the reference pages are up to date\n',
  );
}
