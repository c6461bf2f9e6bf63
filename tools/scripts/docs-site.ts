import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

/**
 * `npm run docs:site` builds docs/ as a static site, in docs/site/dist. The generator has a package.json of its own, so that nobody
 * else has to install it; the first run does, later ones need no network. A dead link fails.
 */
const workspace = join(import.meta.dirname, '../..');
const docs = join(workspace, 'docs');
const site = join(docs, 'site');
const pages = join(site, 'pages');
const REPOSITORY = 'https://github.com/acme/platform/blob/main/';
const dead: string[] = [];

/** What a page links to outside of the docs is the file in the repository; the generator looks at the other links. */
function outward(text: string, page: string): string {
  return text.replaceAll(/\]\(([^)#:\s]+)(#[^)\s]*)?\)/g, (link, path: string, anchor = '') => {
    const file = resolve(dirname(join(docs, page)), path);
    if (!existsSync(file)) dead.push(`docs/${page}: ${path}`);
    const inside = !relative(docs, file).startsWith('..');
    if (inside && file.endsWith('.md')) return link;
    return `](${REPOSITORY}${relative(workspace, file)}${anchor})`;
  });
}

/** Of this command's own npm the children would take the workspace for theirs. */
const env = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^npm_(?!config_(registry|cache)$)/.test(name)),
);

function must(command: string, args: string[]): void {
  const { status } = spawnSync(command, args, { cwd: site, env, stdio: 'inherit', timeout: 5 * 60_000 });
  if (status !== 0) process.exit(status ?? 1);
}

rmSync(pages, { recursive: true, force: true });
for (const page of globSync('**/*.md', { cwd: docs, exclude: ['site/**'] })) {
  mkdirSync(dirname(join(pages, page)), { recursive: true });
  writeFileSync(join(pages, page), outward(readFileSync(join(docs, page), 'utf8'), page));
}
for (const picture of globSync('**/*.{png,svg}', { cwd: docs, exclude: ['site/**'] }))
  cpSync(join(docs, picture), join(pages, picture));

if (dead.length > 0) {
  process.stderr.write(`dead links:\n${dead.map((link) => `  ${link}\n`).join('')}`);
  process.exitCode = 1;
} else {
  if (!existsSync(join(site, 'node_modules')))
    must('npm', ['install', '--no-save', '--no-audit', '--no-fund']);
  must('npm', ['run', 'build']);
}
