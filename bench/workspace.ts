import { createCipheriv, createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mustRun, ROOT, toolEnv } from './commands.ts';
import { killDaemon } from './daemon.ts';
import { packageGraph } from './graph.ts';
import type { BenchPackage } from './graph.ts';

export interface Workspace {
  /** Holds `tree` (the workspace), homes and tarballs; removed by `dispose`. */
  folder: string;
  tree: string;
  packages: BenchPackage[];
  /** Puts the tree back to its first commit, adds a tool's own files in a commit of their own, removes its tags. */
  reset(files?: Record<string, string>): Promise<void>;
  dispose(): void;
}

export interface WorkspaceOptions {
  count: number;
  /** Bytes of random text in each package; 20 kB as the table has it. */
  bytes?: number;
}

const TEXT_FILES = 8;

/** A git workspace in a temporary folder, linked to the tools of this repository: nothing is installed. */
export async function createWorkspace({ count, bytes = 20_000 }: WorkspaceOptions): Promise<Workspace> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  const tree = join(folder, 'tree');
  const packages = packageGraph(count);
  const dispose = (): void => {
    process.off('exit', dispose);
    killDaemon(tree);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  process.once('exit', dispose);
  mkdirSync(tree);
  writeRoot(tree, packages);
  for (const one of packages) writePackage(tree, one, bytes);
  linkTools(tree);
  const git = (...args: string[]): Promise<string> => mustRun(['git', ...args], tree, toolEnv(folder));
  await git('init', '-q', '-b', 'main');
  await git('config', 'user.name', 'Bench');
  await git('config', 'user.email', 'bench@example.com');
  await git('config', 'commit.gpgsign', 'false');
  await git('add', '-A');
  await git('commit', '-q', '-m', 'The workspace as it was made');
  const first = (await git('rev-parse', 'HEAD')).trim();
  return {
    folder,
    tree,
    packages,
    async reset(files = {}) {
      const tags = (await git('tag', '--list')).split('\n').filter(Boolean);
      if (tags.length > 0) await git('tag', '-d', ...tags);
      await git('reset', '-q', '--hard', first);
      await git('clean', '-q', '-f', '-d');
      for (const [path, text] of Object.entries(files)) {
        mkdirSync(join(tree, path, '..'), { recursive: true });
        writeFileSync(join(tree, path), text);
      }
      if (Object.keys(files).length === 0) return;
      await git('add', '-A');
      await git('commit', '-q', '-m', 'The files of one tool');
    },
    dispose,
  };
}

/** A folder that serves as a program's home: its `.npmrc` is where tools find registries and tokens. */
export function makeHome(
  workspace: Workspace,
  name: string,
  registries: { url: string; token: string }[],
): string {
  const home = join(workspace.folder, `home-${name}`);
  mkdirSync(home, { recursive: true });
  const lines = registries.slice(0, 1).map(({ url }) => `registry=${url}/`);
  for (const { url, token } of registries) lines.push(`//${new URL(url).host}/:_authToken=${token}`);
  writeFileSync(join(home, '.npmrc'), `${lines.join('\n')}\n`, { mode: 0o600 });
  return home;
}

function writeRoot(tree: string, packages: BenchPackage[]): void {
  const root = { name: 'bench-workspace', version: '0.0.0', private: true, workspaces: ['packages/*'] };
  const json = (file: string, value: unknown): void =>
    writeFileSync(join(tree, file), `${JSON.stringify(value, null, 2)}\n`);
  json('package.json', root);
  // Tools tell npm from pnpm and yarn by the lock file.
  const locked: Record<string, unknown> = { '': root };
  for (const { name, folder, version } of packages) {
    locked[folder] = { name, version };
    locked[`node_modules/${name}`] = { resolved: folder, link: true };
  }
  json('package-lock.json', { name: root.name, version: root.version, lockfileVersion: 3, packages: locked });
  json('nx.json', {
    neverConnectToCloud: true,
    analytics: false,
    release: { projects: ['packages/*'], projectsRelationship: 'independent' },
  });
  writeFileSync(join(tree, '.gitignore'), 'node_modules\n.nx\ndist\n.sluice/local\n');
}

/** Ten files: the manifest, a readme, and eight modules of text that does not compress. */
function writePackage(tree: string, one: BenchPackage, bytes: number): void {
  const folder = join(tree, one.folder);
  mkdirSync(join(folder, 'lib'), { recursive: true });
  const manifest = {
    name: one.name,
    version: one.version,
    description: 'One of many',
    license: 'MIT',
    type: 'module',
    exports: { '.': './lib/0.js', './package.json': './package.json' },
    files: ['lib'],
    publishConfig: { access: 'public' },
    dependencies: Object.fromEntries(one.dependencies.map((name) => [name, '^1.0.0'])),
    nx: { targets: { noop: { executor: 'nx:noop', dependsOn: ['^noop'] } } },
  };
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  writeFileSync(join(folder, 'README.md'), `# ${one.name}\n`);
  const share = Math.floor((bytes - 600) / TEXT_FILES);
  for (let file = 0; file < TEXT_FILES; file++) {
    const random = randomBytes(`${one.name}/${file}`, Math.ceil((share * 3) / 4));
    writeFileSync(join(folder, 'lib', `${file}.js`), `export default '${random.toString('base64')}';\n`);
  }
}

/** Bytes that look random and are the same for the same seed. */
function randomBytes(seed: string, length: number): Buffer {
  const key = createHash('sha256').update(seed).digest();
  return createCipheriv('aes-128-ctr', key.subarray(0, 16), key.subarray(16)).update(Buffer.alloc(length));
}

/**
 * A `node_modules` of links to this repository's own. The plugin itself is copied in its published form by its driver:
 * a link to its sources would be measured as no user has it.
 */
function linkTools(tree: string): void {
  const from = join(ROOT, 'node_modules');
  const to = join(tree, 'node_modules');
  mkdirSync(to);
  for (const entry of readdirSync(from)) {
    if (
      entry === '@sluice' ||
      entry === '.package-lock.json' ||
      entry.startsWith('.vite') ||
      entry === '.cache'
    )
      continue;
    symlinkSync(join(from, entry), join(to, entry));
  }
}

/** Copies a folder into the workspace's `node_modules` under a package name. */
export function placeModule(workspace: Workspace, name: string, folder: string): void {
  const target = join(workspace.tree, 'node_modules', name);
  rmSync(target, { recursive: true, force: true });
  cpSync(folder, target, { recursive: true, filter: (path) => !path.includes('/node_modules/') });
}
