import type { ProjectGraph, Tree } from '@nx/devkit';
import {
  addDependenciesToPackageJson,
  createProjectGraphAsync,
  formatFiles,
  logger,
  NX_VERSION,
  readNxJson,
  updateJson,
  updateNxJson,
} from '@nx/devkit';
import { parseOptions } from '../../pipeline/index.ts';
import { explained, registeredOptions } from '../nx-json.ts';
import { remoteOf } from '../remote.ts';
import { ALLOWED_SIGNERS, ignoring } from './files.ts';
import { initialised } from './settings.ts';

export interface InitSchema {
  testRegistry?: string;
  skipPackageJson?: boolean;
  skipFormat?: boolean;
}
/** What the generator asks of the world outside the tree. */
export interface Surroundings {
  graph(): Promise<ProjectGraph>;
  /** `host/owner/name` of the git remote. */
  remote(): Promise<string | undefined>;
}

/** Registers the plugin; safe to run again. */
export default async function init(
  tree: Tree,
  schema: InitSchema,
  around: Surroundings = real(tree.root),
): Promise<() => void> {
  return explained(async () => {
    const graph = await around.graph();
    const nxJson = initialised(readNxJson(tree) ?? {}, {
      remote: await around.remote(),
      testRegistry: schema.testRegistry,
      ...targetsOf(graph),
    });
    const options = parseOptions(registeredOptions(nxJson));
    updateNxJson(tree, nxJson);
    if (!tree.exists(options.approvers)) tree.write(options.approvers, ALLOWED_SIGNERS);
    tree.write('.gitignore', ignoring(tree.read('.gitignore', 'utf8') ?? '', '.sluice/local/'));
    const install = schema.skipPackageJson ? () => {} : addDependencies(tree);
    if (!schema.skipFormat) await formatFiles(tree);
    const stages = options.packages.stages.map((stage) => stage.name);
    logger.info(`Sluice: stages ${stages.join(' -> ')}. More of them: npx nx g @sluice/nx:stage <name>`);
    return install;
  });
}

/** @nx/js serves `nx release`; Verdaccio is every stage of the local profile. */
function addDependencies(tree: Tree): () => void {
  updateJson(tree, 'package.json', (manifest: { overrides?: Record<string, unknown> }) => ({
    ...manifest,
    // verdaccio-audit asks for a dist-tag, node-fetch@cjs, which a mirror need not have.
    overrides: { 'verdaccio-audit': { 'node-fetch': '2.7.0' }, ...manifest.overrides },
  }));
  const tools = { '@nx/js': NX_VERSION, verdaccio: '^6.10.4' };
  return addDependenciesToPackageJson(tree, {}, tools, undefined, true);
}

/** Targets that would hide ours, of publishable projects and of the root; those that are ours do not count. */
function targetsOf(graph: ProjectGraph): { packageTargets: Set<string>; rootTargets: Set<string> } {
  const packageTargets = new Set<string>();
  const rootTargets = new Set<string>();
  for (const { data } of Object.values(graph.nodes)) {
    const into =
      data.root === '.' ? rootTargets : data.tags?.includes('npm:public') ? packageTargets : undefined;
    for (const [name, target] of Object.entries(data.targets ?? {})) {
      if (!target.executor?.startsWith('@sluice/nx:')) into?.add(name);
    }
  }
  return { packageTargets, rootTargets };
}

function real(root: string): Surroundings {
  return {
    graph: () => createProjectGraphAsync(),
    remote: () => remoteOf(root),
  };
}
