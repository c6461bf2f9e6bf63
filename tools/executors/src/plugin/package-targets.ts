import type { ProjectConfiguration, TargetConfiguration } from '@nx/devkit';
import type { SluiceOptions } from '../pipeline/index.ts';
import { API_FILE } from '../api/file.ts';
import { stageConfigurations } from './configurations.ts';

/** The name that nx.json gives to the compile step of @nx/js; another one stands in `dependsOn` of the targetDefaults. */
const COMPILE = 'compile';
const TECHNOLOGIES = ['sluice', 'npm'];

/**
 * The targets of one publishable package.
 * @param tool inputs that stand for the plugin's own code, see `pluginSources`
 * @param hasApi whether there is an api.txt beside its package.json
 */
export function inferPackage(
  options: SluiceOptions,
  tool: string[],
  hasApi: boolean,
): Omit<ProjectConfiguration, 'root'> {
  const { targets } = options;
  const stages = options.packages.stages.map((stage) => stage.name);
  return {
    targets: {
      [targets.build]: build(targets.build, tool),
      ...(hasApi ? { [targets['api-check']]: apiCheck(targets.build, tool) } : {}),
      [targets['publish-registry']]: {
        ...moves('publish-registry', [targets.build, `^${targets['publish-registry']}`]),
        configurations: stageConfigurations(options),
        metadata: about(
          `Publishes the artifact into the first stage, ${stages[0]}, and proves that it arrived`,
          `npx nx run-many -t ${targets['publish-registry']}`,
        ),
      },
      'nx-release-publish': {
        // It builds by itself, see `executors/release-step.ts`.
        ...moves('publish-registry', ['^nx-release-publish']),
        metadata: about(
          `The publish step of nx release: publishes the artifact into the first stage, ${stages[0]}`,
          'npx nx release',
        ),
      },
      [targets.promote]: {
        ...moves('promote', [`^${targets.promote}`]),
        configurations: stageConfigurations(options),
        metadata: about(
          `Moves the artifact from one stage into the next (${stages.join(' -> ')}), behind its gate`,
          `npx nx affected -t ${targets.promote} -c ${stages[1] ?? stages[0]}`,
        ),
      },
      [targets.rollback]: {
        ...moves('rollback', []),
        configurations: stageConfigurations(options),
        metadata: about(
          'Moves the dist-tag of a stage back, deprecates the bad version and holds its digest',
          `npx nx run <project>:${targets.rollback}:${stages.at(-1)} --to=1.2.0`,
        ),
      },
    },
    metadata: {
      targetGroups: {
        Sluice: [
          targets.build,
          ...(hasApi ? [targets['api-check']] : []),
          targets['publish-registry'],
          targets.promote,
          targets.rollback,
        ],
      },
    },
  };
}

function build(target: string, tool: string[]): TargetConfiguration {
  return {
    executor: '@sluice/nx:build',
    // Nx leaves out what a project does not have. Where our target has another name, `build` is the workspace's own.
    dependsOn: [COMPILE, ...(target === 'build' ? [] : ['build']), `^${target}`],
    cache: true,
    // A package holds whatever its `files` say and no ignore file above takes away: sources of any kind, and what the tasks
    // before it wrote. Without `externalDependencies` Nx hashes all of them: the SBOM names their versions.
    inputs: [
      '{projectRoot}/**/*',
      '{workspaceRoot}/**/.{gitignore,npmignore}',
      { fileset: '{projectRoot}/package.json', dependencies: true },
      { dependentTasksOutputFiles: '**/*' },
      ...tool,
    ],
    outputs: ['{workspaceRoot}/dist/artifacts/{projectName}'],
    metadata: {
      description: 'Packs the package, once: the tarball with its identity, its SBOM, and artifact.json',
      technologies: TECHNOLOGIES,
    },
  };
}

/** Packages keep what they export in api.txt, where they want to hear of a change. */
function apiCheck(buildTarget: string, tool: string[]): TargetConfiguration {
  return {
    executor: '@sluice/nx:api-check',
    dependsOn: [COMPILE, ...(buildTarget === 'build' ? [] : ['build'])],
    cache: true,
    inputs: [
      '{projectRoot}/package.json',
      `{projectRoot}/${API_FILE}`,
      { dependentTasksOutputFiles: '**/*' },
      ...tool,
    ],
    // Else an --update that was made before would write nothing.
    outputs: [`{projectRoot}/${API_FILE}`],
    metadata: {
      description: `Compares the public API with ${API_FILE}; --update writes it`,
      technologies: TECHNOLOGIES,
      help: { command: 'npx nx run-many -t api-check', example: { options: { update: true } } },
    },
  };
}

/** A target that changes the world outside: never cached. */
function moves(executor: string, dependsOn: string[]): TargetConfiguration {
  return { executor: `@sluice/nx:${executor}`, cache: false, ...(dependsOn.length > 0 ? { dependsOn } : {}) };
}

function about(description: string, command: string): TargetConfiguration['metadata'] {
  return {
    description,
    technologies: TECHNOLOGIES,
    help: { command, example: { options: { dryRun: true } } },
  };
}
