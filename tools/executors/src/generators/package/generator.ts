import { join } from 'node:path';
import type { Tree } from '@nx/devkit';
import {
  formatFiles,
  generateFiles,
  installPackagesTask,
  logger,
  offsetFromRoot,
  readJson,
} from '@nx/devkit';
import { explained } from '../nx-json.ts';
import { addCompiler, addToWorkspaces, siblingsOf, TEMPLATES } from '../workspace.ts';
import { adopt } from './adopt.ts';
import { nameOf, type PackageSchema } from './naming.ts';

/** Scaffolds a package, or makes one that is there publishable, and sees to it that the workspace knows and compiles it. */
export default async function pack(
  tree: Tree,
  schema: PackageSchema & { skipFormat?: boolean },
): Promise<() => void> {
  return explained(async () => {
    // Also where nothing is new at the root: others find the package in node_modules alone.
    const link = () => installPackagesTask(tree, true);
    const siblings = siblingsOf(tree);
    const naming = nameOf(schema, siblings);
    const { packageName, projectName, directory } = naming;
    const { license = 'UNLICENSED' } = readJson<{ license?: string }>(tree, 'package.json');
    if (tree.exists(`${directory}/package.json`)) {
      if (!adopt(tree, naming, license))
        logger.info(`Sluice: ${directory} is a package that is published already`);
      addToWorkspaces(tree, directory);
      if (!schema.skipFormat) await formatFiles(tree);
      return link;
    }
    generateFiles(tree, join(TEMPLATES, 'package'), directory, {
      packageName,
      projectName,
      license,
      description: schema.description ?? `The package ${packageName}.`,
      offset: offsetFromRoot(directory),
    });
    if (tree.exists('LICENSE')) tree.write(`${directory}/LICENSE`, tree.read('LICENSE') ?? '');
    addToWorkspaces(tree, directory);
    addCompiler(tree);
    if (!schema.skipFormat) await formatFiles(tree);
    return link;
  });
}
