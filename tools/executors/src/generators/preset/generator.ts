import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Tree } from '@nx/devkit';
import { formatFiles, generateFiles, installPackagesTask, logger, readJson, writeJson } from '@nx/devkit';
import { errors } from '../../foundation/index.ts';
import { explained } from '../nx-json.ts';
import syncWorkflows from '../sync-workflows/generator.ts';
import { TEMPLATES } from '../workspace.ts';
import type { Files } from './collect.ts';
import { rescoped, SAMPLE, scopeNamed } from './rescope.ts';

export interface PresetSchema {
  name: string;
  scope?: string;
  skipFormat?: boolean;
}

/** Fills a workspace that `create-nx-workspace` made, which has nothing in it but Nx and this plugin. */
export default async function preset(
  tree: Tree,
  { name, scope: said, skipFormat }: PresetSchema,
  template: () => Files = () => packaged(),
): Promise<() => void> {
  return explained(async () => {
    const scope = scopeNamed(said ?? name);
    const taken = ['libs', 'apps'].find((folder) => tree.exists(folder) && tree.children(folder).length > 0);
    if (taken) throw errors.WORKSPACE_NOT_EMPTY({ folder: taken });
    for (const [file, text] of Object.entries(template())) {
      const own = rescoped(text, SAMPLE, scope);
      if (file === 'package.json') writeJson(tree, file, withOwn(tree, file, own));
      else if (file === '.gitignore') tree.write(file, lines(own, tree.read(file, 'utf8') ?? ''));
      else tree.write(file, own);
    }
    generateFiles(tree, join(TEMPLATES, 'preset'), '.', { name });
    await syncWorkflows(tree);
    if (tree.exists(CI)) {
      // Wherever a part stands, its name says where it belongs.
      tree.write(CI, `${tree.read(CI, 'utf8')}${TESTS}`);
      await syncWorkflows(tree);
    }
    if (!skipFormat) await formatFiles(tree);
    logger.info(`Sluice: the packages are ${scope}/... Your registries, images and hosts go into nx.json.`);
    return () => installPackagesTask(tree, true);
  });
}

const CI = '.github/workflows/ci.yml';
/** The samples' tests are run by one vitest at the root, of which `nx affected` does not know. */
const TESTS = `
# sluice:yours check/after
- name: Tests of the samples, which are no targets of projects
  run: npm test
# sluice:end
`;

type Manifest = Record<string, any>;

/** Name, package manager and the plugin's own version are those that are there. */
function withOwn(tree: Tree, file: string, text: string): Manifest {
  const before = tree.exists(file) ? readJson<Manifest>(tree, file) : {};
  const ours = JSON.parse(text) as Manifest;
  const { name, license, packageManager } = before;
  const dependencies = {
    ...before['dependencies'],
    ...before['devDependencies'],
    ...ours['devDependencies'],
  };
  return {
    ...ours,
    ...Object.fromEntries(
      Object.entries({ name, license, packageManager }).filter(([, one]) => one !== undefined),
    ),
    devDependencies: Object.fromEntries(Object.entries(dependencies).sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

/** Ours, and those of another text that are not among them. */
const lines = (ours: string, others: string): string =>
  [
    ours.trimEnd(),
    ...others.split('\n').filter((line) => line.trim() !== '' && !ours.split('\n').includes(line)),
  ].join('\n') + '\n';

/** The files in the package. @throws TEMPLATE_MISSING where the plugin is source, and nobody made it */
export function packaged(file: string = join(TEMPLATES, 'workspace.json')): Files {
  if (!existsSync(file)) throw errors.TEMPLATE_MISSING({});
  return JSON.parse(readFileSync(file, 'utf8')) as Files;
}
