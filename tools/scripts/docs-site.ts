import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { deadLinks } from './docs/links.ts';
import { onSite, withSiteLinks } from './site/addresses.ts';
import { errorPages } from './site/error-pages.ts';

/**
 * `npm run docs:site` builds docs/ as a static site, in docs/site/dist. The generator has a package.json of its own, so that nobody
 * else has to install it; the first run does, later ones need no network. A dead link fails. Arguments go to the generator:
 * `npm run docs:site -- --base=/platform/` for a site that does not lie at the root of its host.
 */
const workspace = join(import.meta.dirname, '../..');
const docs = join(workspace, 'docs');
const site = join(docs, 'site');
const pages = join(site, 'pages');
const NAMELESS = 'acme/platform';
/** An address of a file of this repository. */
const sourceUrl = (file: string): string => `https://github.com/${repository()}/blob/main/${file}`;

/** Of this command's own npm the children would take the workspace for theirs. */
const env = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^npm_(?!config_(registry|cache)$)/.test(name)),
);

function must(command: string, args: string[]): void {
  const { status } = spawnSync(command, args, { cwd: site, env, stdio: 'inherit', timeout: 5 * 60_000 });
  if (status !== 0) process.exit(status ?? 1);
}

function write(path: string, text: string): void {
  const file = join(pages, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

const files = globSync(['README.md', 'CONTRIBUTING.md', 'docs/**/*.md'], {
  cwd: workspace,
  exclude: ['docs/site/**'],
}).sort();
const dead = deadLinks(workspace, files);
if (dead.length > 0) {
  process.stderr.write(`dead links:\n${dead.map((link) => `  ${link}\n`).join('')}`);
  process.exit(1);
}

rmSync(pages, { recursive: true, force: true });
const written = files.map((path) => ({ path, text: readFileSync(join(workspace, path), 'utf8') }));
for (const { path, text } of written) write(onSite(path) ?? path, withSiteLinks(path, text, sourceUrl));
// Among them the index of the errors, which on the site is another than in the repository.
for (const { path, text } of await errorPages(workspace, written, sourceUrl)) write(path, text);
for (const picture of globSync('**/*.{png,svg}', { cwd: docs, exclude: ['site/**'] }))
  cpSync(join(docs, picture), join(pages, picture));
cpSync(join(site, 'home.md'), join(pages, 'index.md'));

const installed = [join(site, 'node_modules/.package-lock.json'), join(site, 'package-lock.json')] as const;
if (!installed.every((file) => existsSync(file)) || isStale(...installed))
  must('npm', ['install', '--no-save', '--no-audit', '--no-fund']);
must('npm', ['run', 'build', '--', ...process.argv.slice(2)]);

/** Whether what is installed is not what the lock file says: another version of it came with a pull. */
function isStale(there: string, wanted: string): boolean {
  const versions = (file: string): Record<string, { version?: string; optional?: boolean }> =>
    (JSON.parse(readFileSync(file, 'utf8')) as { packages: Record<string, { version?: string }> }).packages;
  const has = versions(there);
  return Object.entries(versions(wanted)).some(
    ([path, { version, optional }]) => path !== '' && !optional && has[path]?.version !== version,
  );
}

/** Whose files the site links to: the remote of this clone, where that is on GitHub. */
function repository(): string {
  try {
    const remote = execFileSync('git', ['remote', 'get-url', 'origin'], {
      cwd: workspace,
      encoding: 'utf8',
      stdio: 'pipe',
    });
    return /github\.com[/:]([^/]+\/[^/]+?)(?:\.git)?\s*$/.exec(remote)?.[1] ?? NAMELESS;
  } catch {
    return NAMELESS;
  }
}
