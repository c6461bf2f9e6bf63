import type { CreateNodes, CreateNodesContext, CreateNodesResult } from '@nx/devkit';
import { asSluiceError } from './foundation/index.ts';
import type { SluiceOptions } from './pipeline/index.ts';
import { parseOptions } from './pipeline/index.ts';
import { inferPackage } from './plugin/package-targets.ts';
import { findProjects } from './plugin/projects.ts';
import { inferService } from './plugin/service-targets.ts';
import { inferRoot } from './plugin/root-targets.ts';
import { pluginSources } from './plugin/tool.ts';

/** The name under which nx.json knows us; also the name shown in errors. */
export const name = '@sluice/nx';

/**
 * Infers the targets of every publishable package and every service, and those of the workspace root, from the options in
 * nx.json. Reads the package.json and sluice.json files and nothing else.
 */
export const createNodes: CreateNodes<unknown> = [
  '{package.json,**/package.json,**/sluice.json,**/api.txt}',
  (files, options, context) => infer(files, parsed(options), context),
];

async function infer(
  files: readonly string[],
  options: SluiceOptions,
  context: CreateNodesContext,
): Promise<[string, CreateNodesResult][]> {
  const { packages, services, root } = await findProjects(files, context.workspaceRoot);
  const tool = pluginSources(context.workspaceRoot);
  return [
    ...packages.map(({ file, root, hasApi }): [string, CreateNodesResult] => [
      file,
      { projects: { [root]: inferPackage(options, tool, hasApi) } },
    ]),
    ...services.map(({ file, root, config }): [string, CreateNodesResult] => [
      file,
      { projects: { [root]: inferService(options, { root, config }, tool) } },
    ]),
    ...(root
      ? [[root.file, { projects: { '.': inferRoot(options, root.name) } }] as [string, CreateNodesResult]]
      : []),
  ];
}

/** Nx prints the message of what `createNodes` throws; a stack below it would only hide the one line that helps. */
function parsed(options: unknown): SluiceOptions {
  try {
    return parseOptions(options ?? {});
  } catch (thrown) {
    const error = new Error(asSluiceError(thrown).format());
    error.stack = error.message;
    throw error;
  }
}
