import { join, posix } from 'node:path';
import type { NxJsonConfiguration, Tree } from '@nx/devkit';
import {
  addDependenciesToPackageJson,
  generateFiles,
  getProjects,
  NX_VERSION,
  OverwriteStrategy,
  readJson,
  readNxJson,
  updateJson,
} from '@nx/devkit';
import { applyEdits, modify, parse as parseJson } from 'jsonc-parser';
import { parseDocument } from 'yaml';
import { errors } from '../foundation/index.ts';
import { isPublishable, workspaceMember } from '../plugin/projects.ts';
import { SERVICE_FILE } from '../service/types.ts';
import { writeNxJson } from './nx-json.ts';

/** Beside `src` and beside `dist`, because tsc copies no templates. */
export const TEMPLATES = join(import.meta.dirname, '../../templates');

/** A project that the workspace has already. */
export interface Sibling {
  /** Name in package.json, where there is one. */
  name?: string;
  project: string;
  root: string;
  kind: 'package' | 'service' | 'other';
}

export function siblingsOf(tree: Tree): Sibling[] {
  return [...getProjects(tree)].flatMap(([project, { root }]) => {
    if (root === '.') return [];
    const file = `${root}/package.json`;
    const manifest = tree.exists(file)
      ? readJson<{ name?: string; version?: string; private?: boolean }>(tree, file)
      : {};
    const kind = tree.exists(`${root}/${SERVICE_FILE}`)
      ? 'service'
      : isPublishable(manifest)
        ? 'package'
        : 'other';
    return [{ ...(manifest.name ? { name: manifest.name } : {}), project, root, kind }];
  });
}

/**
 * A folder that somebody named, relative to the workspace root as everything names it.
 * @throws FOLDER_OUTSIDE for the root itself, and for what is not below it
 */
export function folderIn(said: string): string {
  const folder = posix.normalize(said.trim().replaceAll('\\', '/')).replace(/\/+$/, '');
  if (folder === '' || folder === '.' || /^(\/|\.\.(\/|$)|[A-Za-z]:)/.test(folder))
    throw errors.FOLDER_OUTSIDE({ folder: said });
  return folder;
}

/** Of those that come equally often, the first. */
export function mostCommon(values: readonly (string | undefined)[]): string | undefined {
  const counts = new Map<string, number>();
  for (const value of values) if (value !== undefined) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0];
}

/** The folder that most of them stand in. */
export const folderOf = (siblings: readonly Sibling[]): string | undefined =>
  mostCommon(siblings.map(({ root }) => /^(.+)\/[^/]+$/.exec(root)?.[1]));

/** The scope that most of them have, with its @. */
export const scopeOf = (siblings: readonly Sibling[]): string | undefined =>
  mostCommon(siblings.map(({ name }) => /^@[^/]+/.exec(name ?? '')?.[0]));

/** Sees to it that the folder is in the package manager's list of packages. */
export function addToWorkspaces(tree: Tree, directory: string): void {
  if (tree.exists(PNPM)) return addToPnpm(tree, directory);
  updateJson(tree, 'package.json', (manifest: { workspaces?: string[] | { packages?: string[] } }) => {
    const globs = Array.isArray(manifest.workspaces)
      ? manifest.workspaces
      : (manifest.workspaces?.packages ?? []);
    if (workspaceMember(globs)(`${directory}/package.json`)) return manifest;
    const workspaces = [...globs, directory];
    return {
      ...manifest,
      workspaces: Array.isArray(manifest.workspaces ?? [])
        ? workspaces
        : { ...manifest.workspaces, packages: workspaces },
    };
  });
}

const PNPM = 'pnpm-workspace.yaml';

function addToPnpm(tree: Tree, directory: string): void {
  const document = parseDocument(tree.read(PNPM, 'utf8') ?? '');
  const { packages = [] } = (document.toJS() ?? {}) as { packages?: string[] };
  if (workspaceMember(packages)(`${directory}/package.json`)) return;
  if (packages.length > 0) document.addIn(['packages'], directory);
  else document.set('packages', [directory]);
  tree.write(PNPM, document.toString());
}

/**
 * tsc by way of @nx/js; a workspace that set this up in its own way keeps it.
 * @param directory of the new project, which the root's tsconfig.json gets to know
 */
export function addCompiler(tree: Tree, directory: string): () => void {
  const nxJson: NxJsonConfiguration = readNxJson(tree) ?? {};
  const plugins = nxJson.plugins ?? [];
  if (!plugins.some((entry) => (typeof entry === 'string' ? entry : entry.plugin) === '@nx/js/typescript')) {
    const build = { targetName: 'compile', configName: 'tsconfig.lib.json' };
    const typescript = {
      plugin: '@nx/js/typescript',
      options: { typecheck: { targetName: 'typecheck' }, build },
    };
    writeNxJson(tree, { ...nxJson, plugins: [typescript, ...plugins] });
  }
  generateFiles(
    tree,
    join(TEMPLATES, 'typescript'),
    '.',
    {},
    { overwriteStrategy: OverwriteStrategy.KeepExisting },
  );
  addReference(tree, directory);
  const tools = { '@nx/js': NX_VERSION, '@types/node': '^26.0.0', typescript: '~6.0.3', vitest: '^5.1.0' };
  return addDependenciesToPackageJson(tree, {}, tools, undefined, true);
}

/** As `nx sync` would: until then Nx runs no task without somebody at the terminal. */
function addReference(tree: Tree, directory: string): void {
  const text = tree.read('tsconfig.json', 'utf8') ?? '';
  const { references } = (parseJson(text) ?? {}) as { references?: { path?: string }[] };
  const path = `./${directory}`;
  if (!Array.isArray(references) || references.some((one) => one.path === path)) return;
  const edits = modify(text, ['references', references.length], { path }, { isArrayInsertion: true });
  tree.write('tsconfig.json', applyEdits(text, edits));
}
