import { join } from 'node:path';
import type { NxJsonConfiguration, Tree } from '@nx/devkit';
import {
  addDependenciesToPackageJson,
  formatFiles,
  generateFiles,
  getProjects,
  NX_VERSION,
  offsetFromRoot,
  OverwriteStrategy,
  readJson,
  readNxJson,
  updateJson,
  updateNxJson,
} from '@nx/devkit';
import { errors } from '../../foundation/index.ts';
import { isPublishable, workspaceMember } from '../../plugin/projects.ts';
import { explained } from '../nx-json.ts';
import { nameOf, type PackageSchema, type Sibling } from './naming.ts';

/** Beside `src` and beside `dist`, because tsc copies no templates. */
const TEMPLATES = join(import.meta.dirname, '../../../templates/package');

/** Scaffolds a package, and sees to it that the workspace knows and compiles it. */
export default async function pack(
  tree: Tree,
  schema: PackageSchema & { skipFormat?: boolean },
): Promise<() => void> {
  return explained(async () => {
    const { packageName, projectName, directory } = nameOf(schema, siblings(tree));
    if (tree.exists(`${directory}/package.json`)) throw errors.FOLDER_TAKEN({ folder: directory });
    const { license = 'UNLICENSED' } = readJson<{ license?: string }>(tree, 'package.json');
    generateFiles(tree, TEMPLATES, directory, {
      packageName,
      projectName,
      license,
      description: schema.description ?? `The package ${packageName}.`,
      offset: offsetFromRoot(directory),
    });
    if (tree.exists('LICENSE')) tree.write(`${directory}/LICENSE`, tree.read('LICENSE') ?? '');
    addToWorkspaces(tree, directory);
    const install = addCompiler(tree);
    if (!schema.skipFormat) await formatFiles(tree);
    return install;
  });
}

function siblings(tree: Tree): Sibling[] {
  return [...getProjects(tree).values()].flatMap(({ root }) => {
    const file = `${root}/package.json`;
    if (root === '.' || !tree.exists(file)) return [];
    const manifest = readJson<{ name?: string; version?: string; private?: boolean }>(tree, file);
    return isPublishable(manifest) && manifest.name ? [{ name: manifest.name, root }] : [];
  });
}

/** Where the package manager's list is in package.json, the folder has to be in it; pnpm keeps its list elsewhere. */
function addToWorkspaces(tree: Tree, directory: string): void {
  if (tree.exists('pnpm-workspace.yaml')) return;
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

/** tsc by way of @nx/js; a workspace that set this up in its own way keeps it. */
function addCompiler(tree: Tree): () => void {
  const nxJson: NxJsonConfiguration = readNxJson(tree) ?? {};
  const plugins = nxJson.plugins ?? [];
  if (!plugins.some((entry) => (typeof entry === 'string' ? entry : entry.plugin) === '@nx/js/typescript')) {
    const build = { targetName: 'compile', configName: 'tsconfig.lib.json' };
    const typescript = {
      plugin: '@nx/js/typescript',
      options: { typecheck: { targetName: 'typecheck' }, build },
    };
    updateNxJson(tree, { ...nxJson, plugins: [typescript, ...plugins] });
  }
  generateFiles(
    tree,
    join(TEMPLATES, '../typescript'),
    '.',
    {},
    { overwriteStrategy: OverwriteStrategy.KeepExisting },
  );
  const tools = { '@nx/js': NX_VERSION, '@types/node': '^26.0.0', typescript: '~6.0.3', vitest: '^5.1.0' };
  return addDependenciesToPackageJson(tree, {}, tools, undefined, true);
}
