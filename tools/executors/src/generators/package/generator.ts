import { join } from 'node:path';
import type { Tree } from '@nx/devkit';
import {
  formatFiles,
  generateFiles,
  installPackagesTask,
  logger,
  offsetFromRoot,
  OverwriteStrategy,
  readJson,
  readNxJson,
} from '@nx/devkit';
import { API_FILE } from '../../api/index.ts';
import { parseOptions } from '../../pipeline/index.ts';
import { explained, registeredOptions } from '../nx-json.ts';
import { addCompiler, addToWorkspaces, siblingsOf, TEMPLATES } from '../workspace.ts';
import { adopt } from './adopt.ts';
import { nameOf, type Naming, type PackageSchema } from './naming.ts';
import { checkStages, real, type Surroundings } from './refused.ts';

interface RootManifest {
  name?: string;
  license?: string;
  nx?: { name?: string };
}

/** What an adopted package exports is known once it is compiled. */
function beginApi(tree: Tree, { directory, projectName, packageName }: Naming): void {
  const file = `${directory}/${API_FILE}`;
  if (tree.exists(file)) return;
  tree.write(file, `// The public API of ${packageName}\n`);
  logger.info(`Sluice: npx nx run ${projectName}:api-check --update writes what it exports into ${file}`);
}

/** Scaffolds a package, or makes one that is there publishable, and sees to it that the workspace knows and compiles it. */
export default async function pack(
  tree: Tree,
  schema: PackageSchema & { force?: boolean; skipFormat?: boolean },
  around: Surroundings = real(tree),
): Promise<() => void> {
  return explained(async () => {
    // Also where nothing is new at the root: others find the package in node_modules alone.
    const link = () => installPackagesTask(tree, true);
    const siblings = siblingsOf(tree);
    const { license = 'UNLICENSED', ...root } = readJson<RootManifest>(tree, 'package.json');
    const naming = nameOf(schema, siblings, root.nx?.name ?? root.name);
    const { packageName, projectName, directory } = naming;
    if (tree.exists(`${directory}/package.json`)) {
      if (!adopt(tree, naming, license))
        logger.info(`Sluice: ${directory} is a package that is published already`);
      if (schema.api) beginApi(tree, naming);
      addToWorkspaces(tree, directory);
      if (!schema.skipFormat) await formatFiles(tree);
      return link;
    }
    const registered = registeredOptions(readNxJson(tree) ?? {});
    if (registered && !schema.force) await checkStages(naming, parseOptions(registered), around);
    const values = {
      packageName,
      projectName,
      license,
      description: schema.description ?? `The package ${packageName}.`,
      offset: offsetFromRoot(directory),
      api: schema.api !== false,
    };
    // Somebody may have begun with the sources.
    const overwriteStrategy = OverwriteStrategy.KeepExisting;
    generateFiles(tree, join(TEMPLATES, 'package'), directory, values, { overwriteStrategy });
    if (schema.api === false) tree.delete(`${directory}/${API_FILE}`);
    if (tree.exists('LICENSE')) tree.write(`${directory}/LICENSE`, tree.read('LICENSE') ?? '');
    addToWorkspaces(tree, directory);
    addCompiler(tree, directory);
    if (!schema.skipFormat) await formatFiles(tree);
    return link;
  });
}
