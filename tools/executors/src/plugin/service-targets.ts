import { posix } from 'node:path';
import type { ProjectConfiguration, TargetConfiguration } from '@nx/devkit';
import type { SluiceOptions } from '../pipeline/index.ts';
import { stageConfigurations } from './configurations.ts';

/** The compile step of a service, where it has one; see `package-targets.ts`. */
const COMPILE = 'compile';
const TECHNOLOGIES = ['sluice', 'docker'];

/**
 * The targets of one service.
 * @param root its folder, and `config` the content of its sluice.json
 * @param tool inputs that stand for the plugin's own code, see `pluginSources`
 */
export function inferService(
  options: SluiceOptions,
  { root, config }: { root: string; config: unknown },
  tool: string[],
): Omit<ProjectConfiguration, 'root'> {
  const { targets } = options;
  const tries = isObject(config) && config['smoke'] !== undefined;
  const stages = (options.services?.stages ?? []).map((stage) => stage.name);
  const first = stages[0] ?? '<stage>';
  const last = stages.at(-1) ?? '<stage>';
  const configurations = stageConfigurations(options);
  const staged = (executor: string, dependsOn: string[], description: string, command: string) => ({
    executor: `@sluice/nx:${executor}`,
    cache: false,
    ...(dependsOn.length > 0 ? { dependsOn } : {}),
    configurations,
    metadata: {
      description,
      technologies: TECHNOLOGIES,
      help: { command, example: { options: { dryRun: true } } },
    },
  });
  const run = (target: string, stage: string) => `npx nx run <project>:${target}:${stage}`;
  return {
    targets: {
      [targets.build]: build(targets.build, contextsOf(root, config), tool),
      [targets['publish-registry']]: staged(
        'publish-registry',
        [targets.build],
        'Pushes the images to the image registry under the commit, and records their digest',
        `npx nx run-many -t ${targets['publish-registry']}`,
      ),
      [targets.promote]: staged(
        'promote',
        [`^${targets.promote}`],
        `Moves the images by their digest from one stage into the next (${['images', ...stages].join(' -> ')}), behind its gate`,
        `npx nx affected -t ${targets.promote} -c ${first}`,
      ),
      // A service without one has nothing to try, and must not fail where all are tried.
      ...(tries
        ? {
            [targets.smoke]: staged(
              'smoke',
              [],
              'Starts exactly the promoted images here, checks that they work, and takes everything down again',
              run(targets.smoke, first),
            ),
          }
        : {}),
      [targets['deploy-vps']]: staged(
        'deploy-vps',
        [`^${targets['deploy-vps']}`],
        'Deploys what was promoted to the hosts of the stage; what fails is put back',
        run(targets['deploy-vps'], first),
      ),
      [targets.rollback]: staged(
        'rollback',
        [],
        'Goes back to a release as it was, on all hosts of the stage',
        run(targets.rollback, last),
      ),
      [targets.releases]: staged(
        'releases',
        [],
        'Lists the releases and backups on the hosts of the stage',
        run(targets.releases, last),
      ),
    },
    metadata: {
      targetGroups: {
        Sluice: (
          ['build', 'publish-registry', 'promote', 'smoke', 'deploy-vps', 'rollback', 'releases'] as const
        )
          .filter((target) => target !== 'smoke' || tries)
          .map((target) => targets[target]),
      },
    },
  };
}

function build(target: string, contexts: string[], tool: string[]): TargetConfiguration {
  return {
    executor: '@sluice/nx:build',
    dependsOn: [COMPILE, ...(target === 'build' ? [] : ['build'])],
    cache: true,
    // A Dockerfile may copy whatever lies in its context, what the tasks before it wrote among that. Without
    // `externalDependencies` Nx hashes all of them: the SBOM names their versions.
    inputs: [
      '{projectRoot}/**/*',
      ...contexts.map((folder) => `{workspaceRoot}/${folder === '.' ? '' : `${folder}/`}**/*`),
      { fileset: '{projectRoot}/package.json', dependencies: true },
      { dependentTasksOutputFiles: '**/*' },
      // The image's name and labels say the commit: what was built at another one (in a branch that was squashed, say) is another image.
      { runtime: 'git rev-parse HEAD && git status --porcelain' },
      ...tool,
    ],
    outputs: ['{workspaceRoot}/dist/artifacts/{projectName}'],
    metadata: {
      description: 'Builds the images, once: an OCI layout with its digest, the SBOM, and artifact.json',
      technologies: TECHNOLOGIES,
    },
  };
}

/**
 * Folders outside of a project that its images are built from, relative to the workspace root. What is wrong in the
 * configuration is left to `build` to say: here it would keep every project of the workspace from being known.
 * @param config content of sluice.json
 */
export function contextsOf(root: string, config: unknown): string[] {
  const { images } = (isObject(config) ? config : {}) as { images?: unknown };
  const contexts = Object.values(isObject(images) ? images : {}).flatMap((image) =>
    isObject(image) && typeof image['context'] === 'string' ? [image['context']] : [],
  );
  const folders = contexts.map((context) => posix.join(root, context).replace(/\/$/, ''));
  const outside = folders.filter((folder) => folder !== root && !folder.startsWith(`${root}/`));
  return [...new Set(outside)].filter((folder) => folder !== '..' && !folder.startsWith('../'));
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
