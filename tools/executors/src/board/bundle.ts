import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** The page's code and style, ready to be served. */
export interface PageFiles {
  script: string;
  style: string;
}

/** Beside `src` and `dist` alike. */
const PAGE = join(import.meta.dirname, '../../board');
/** Where the package's build leaves the bundle; see `nx.targets.board-page` in package.json. */
export const BUILT = join(PAGE, 'dist');

/** The bundle that came with the package; in a checkout, which has the sources, it is made anew. */
export async function pageFiles(): Promise<PageFiles> {
  if (existsSync(join(PAGE, 'src/main.tsx'))) return bundlePage();
  const [script, style] = await Promise.all(
    ['page.js', 'page.css'].map((file) => readFile(join(BUILT, file), 'utf8')),
  );
  return { script: script ?? '', style: style ?? '' };
}

/** Bundles the sources of the page: one classic script that a file opened from a disk may run too. */
export async function bundlePage(): Promise<PageFiles> {
  const { build } = await import('rolldown');
  const preact = dirname(createRequire(import.meta.url).resolve('preact/package.json'));
  const licence = await readFile(join(preact, 'LICENSE'), 'utf8');
  const [{ output }, style] = await Promise.all([
    build({
      input: join(PAGE, 'src/main.tsx'),
      write: false,
      platform: 'browser',
      logLevel: 'silent',
      transform: { jsx: { runtime: 'automatic', importSource: 'preact' } },
      output: { format: 'iife', minify: true, banner: `/*! With Preact:\n${licence.trim()}\n*/` },
    }),
    readFile(join(PAGE, 'src/page.css'), 'utf8'),
  ]);
  return { script: output[0].code, style };
}
