import { join } from 'node:path';
import type { Tree } from '@nx/devkit';
import { formatFiles, generateFiles, offsetFromRoot, readJson } from '@nx/devkit';
import { errors } from '../../foundation/index.ts';
import { explained } from '../nx-json.ts';
import { addCompiler, addToWorkspaces, siblingsOf, TEMPLATES } from '../workspace.ts';
import { nameOf, type PackageSchema } from './naming.ts';

/** Scaffolds a package, and sees to it that the workspace knows and compiles it. */
export default async function pack(
  tree: Tree,
  schema: PackageSchema & { skipFormat?: boolean },
): Promise<() => void> {
  return explained(async () => {
    const siblings = siblingsOf(tree).filter(({ kind }) => kind === 'package');
    const { packageName, projectName, directory } = nameOf(schema, siblings);
    if (tree.exists(`${directory}/package.json`)) throw errors.FOLDER_TAKEN({ folder: directory });
    const { license = 'UNLICENSED' } = readJson<{ license?: string }>(tree, 'package.json');
    generateFiles(tree, join(TEMPLATES, 'package'), directory, {
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
