import { join } from 'node:path';
import type { Tree } from '@nx/devkit';
import { generateFiles, offsetFromRoot, writeJson } from '@nx/devkit';
import { SERVICE_FILE } from '../../service/index.ts';
import { addCompiler, TEMPLATES } from '../workspace.ts';
import { packageJson, sluiceJson, type Wanted } from './manifests.ts';
import { secretsOf } from './types.ts';

/** Writes a new service into an empty folder. Returns what installs the tools that it is compiled and tested with. */
export function create(tree: Tree, wanted: Wanted): () => void {
  const { directory, database, path, stages } = wanted;
  const folders = ['common', ...(database ? ['database', database.engine] : [])];
  for (const folder of folders)
    generateFiles(tree, join(TEMPLATES, 'service', folder), directory, {
      ...wanted,
      prefix: path === '/' ? '' : path,
      secrets: secretsOf(database),
      firstStage: stages[0] ?? '<stage>',
      offset: offsetFromRoot(directory),
    });
  writeJson(tree, `${directory}/package.json`, packageJson(wanted));
  writeJson(tree, `${directory}/${SERVICE_FILE}`, sluiceJson(wanted));
  return addCompiler(tree, directory);
}
