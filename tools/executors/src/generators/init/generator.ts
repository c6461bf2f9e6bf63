import type { ProjectGraph, Tree } from '@nx/devkit';
import {
  addDependenciesToPackageJson,
  createProjectGraphAsync,
  formatFiles,
  logger,
  NX_VERSION,
  readJson,
  readNxJson,
  updateJson,
  writeJson,
} from '@nx/devkit';
import { parseDocument } from 'yaml';
import { builtInRegistry } from '../../registry/index.ts';
import { explained, parseWanted, registeredOptions, writeNxJson } from '../nx-json.ts';
import { remoteOf } from '../remote.ts';
import { siblingsOf } from '../workspace.ts';
import { inferredStages, type Evidence } from './evidence.ts';
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
  /** Whether an address, without a slash at its end, is the one that npm's client has built in. */
  isDefaultRegistry(address: string): boolean;
}

/** Registers the plugin; safe to run again. */
export default async function init(
  tree: Tree,
  schema: InitSchema,
  around: Surroundings = real(tree.root),
): Promise<() => void> {
  return explained(async () => {
    const before = registeredOptions(readNxJson(tree) ?? {});
    const nxJson = initialised(readNxJson(tree) ?? {}, {
      remote: await around.remote(),
      testRegistry: schema.testRegistry,
      inferred: inferredStages(evidenceIn(tree), around.isDefaultRegistry),
      ...targetsOf(await around.graph()),
    });
    const options = parseWanted(registeredOptions(nxJson) ?? {}, before);
    if (tree.exists('nx.json')) writeNxJson(tree, nxJson);
    else writeJson(tree, 'nx.json', { $schema: SCHEMA, ...nxJson });
    if (!tree.exists(options.approvers)) tree.write(options.approvers, ALLOWED_SIGNERS);
    tree.write('.gitignore', IGNORED.reduce(ignoring, tree.read('.gitignore', 'utf8') ?? ''));
    const install = schema.skipPackageJson ? () => {} : addDependencies(tree);
    if (!schema.skipFormat) await formatFiles(tree);
    const stages = options.packages.stages.map((stage) => stage.name);
    logger.info(`Sluice: stages ${stages.join(' -> ')}. More of them: npx nx g @sluice/nx:stage <name>`);
    return install;
  });
}

const SCHEMA = './node_modules/nx/schemas/nx-schema.json';
/** A repository that had no Nx yet does not ignore what Nx keeps either. */
const IGNORED = ['.sluice/local/', '.nx/cache', '.nx/workspace-data'];

/** What the workspace says about where its packages go. */
function evidenceIn(tree: Tree): Evidence {
  const packages = siblingsOf(tree).flatMap(({ kind, root, name }) => {
    if (kind !== 'package' || name === undefined) return [];
    const { publishConfig } = readJson<{ publishConfig?: Record<string, unknown> }>(
      tree,
      `${root}/package.json`,
    );
    return [{ name, ...(publishConfig ? { publishConfig } : {}) }];
  });
  const text = (file: string) => tree.read(file, 'utf8') ?? '';
  return { npmrc: text('.npmrc'), yarnrc: text('.yarnrc.yml'), packages };
}

/** @nx/js serves `nx release`; Verdaccio is every stage of the local profile. */
function addDependencies(tree: Tree): () => void {
  pinForVerdaccio(tree);
  const { dependencies, devDependencies } = readJson<Record<string, Record<string, string> | undefined>>(
    tree,
    'package.json',
  );
  const nx = dependencies?.['nx'] ?? devDependencies?.['nx'];
  const tools = { '@nx/js': NX_VERSION, verdaccio: '^6.10.4', ...(nx ? {} : { nx: NX_VERSION }) };
  return addDependenciesToPackageJson(tree, {}, tools, undefined, true);
}

/** verdaccio-audit asks for a dist-tag, node-fetch@cjs, which a mirror need not have. Each package manager takes that in its own way. */
function pinForVerdaccio(tree: Tree): void {
  const version = '2.7.0';
  if (tree.exists('pnpm-workspace.yaml')) {
    const document = parseDocument(tree.read('pnpm-workspace.yaml', 'utf8') ?? '');
    const path = ['overrides', 'verdaccio-audit>node-fetch'];
    if (document.hasIn(path)) return;
    document.setIn(path, version);
    tree.write('pnpm-workspace.yaml', document.toString());
    return;
  }
  const yarn = tree.exists('yarn.lock');
  // Yarn 1 looks for a path from the top, the later ones anywhere.
  const nested = `${tree.exists('.yarnrc.yml') ? '' : '**/'}verdaccio-audit/node-fetch`;
  updateJson(tree, 'package.json', (manifest: Record<string, Record<string, unknown> | undefined>) =>
    yarn
      ? { ...manifest, resolutions: { [nested]: version, ...manifest['resolutions'] } }
      : {
          ...manifest,
          overrides: { 'verdaccio-audit': { 'node-fetch': version }, ...manifest['overrides'] },
        },
  );
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
    isDefaultRegistry: (address) => address === builtInRegistry().replace(/\/$/, ''),
  };
}
