import type { NxJsonConfiguration, TargetConfiguration } from '@nx/devkit';
import { registeredOptions, withOptions } from '../nx-json.ts';
import type { StageOption } from './evidence.ts';

/** What `init` finds in the workspace. */
export interface Found {
  /** `host/owner/name` of the git remote, where there is one. */
  remote?: string;
  /** Stages that .npmrc and `publishConfig` speak of; where they speak of none, the remote says. */
  inferred?: StageOption[];
  /** Address of a registry between GitHub's and the public one, where the person named it. */
  testRegistry?: string;
  /** Targets that publishable projects have already. */
  packageTargets: Set<string>;
  /** Targets that the root project has already. */
  rootTargets: Set<string>;
}

const OF_PACKAGES = ['build', 'api-check', 'publish-registry', 'promote', 'rollback'];
const OF_THE_ROOT = ['registries', 'status', 'board', 'verify', 'doctor', 'approve'];

/** The nx.json of a workspace that uses the plugin. Whatever stands in it already stays as it is. */
export function initialised(nxJson: NxJsonConfiguration, found: Found): NxJsonConfiguration {
  const promised = promisedTargets(nxJson);
  const packageTargets = new Set([...found.packageTargets, ...promised]);
  const options = registeredOptions(nxJson) ?? initialOptions({ ...found, packageTargets });
  return {
    ...withOptions(nxJson, options),
    targetDefaults: withPublishStep(nxJson.targetDefaults),
    release: nxJson.release ?? RELEASE,
  };
}

export function initialOptions(found: Found): Record<string, unknown> {
  const targets = {
    ...renamed(OF_PACKAGES, found.packageTargets),
    ...renamed(OF_THE_ROOT, found.rootTargets),
  };
  return {
    packages: { stages: initialStages(found) },
    ...(Object.keys(targets).length > 0 ? { targets } : {}),
  };
}

function initialStages({ remote, testRegistry, inferred = [] }: Found): object[] {
  const github = remote?.startsWith('github.com/') ?? false;
  const guessed: StageOption[] = [
    ...(github ? [{ name: 'github', registry: 'https://npm.pkg.github.com', tokenEnv: 'GITHUB_TOKEN' }] : []),
    { name: 'public' },
  ];
  const known = inferred.length > 0 ? inferred : guessed;
  const test = { name: 'test', registry: testRegistry, tokenEnv: 'TEST_REGISTRY_TOKEN', verify: 'install' };
  const last = known.filter(({ registry }) => registry === undefined);
  const stages = [
    ...known.filter(({ registry }) => registry !== undefined && registry !== testRegistry),
    ...(testRegistry ? [test] : []),
    ...last,
  ];
  // The first stage takes what was built, so only a later one can have a gate.
  return stages.map((stage, index) =>
    index > 0 && stage.name === 'public' ? { ...stage, gate: { approvals: 1 } } : stage,
  );
}

/**
 * Names of targets that other plugins will give to projects that do not exist yet, as their options have them:
 * `{"build": {"targetName": "build"}}` of @nx/js/typescript, `{"buildTargetName": "build"}` of most others.
 */
export function promisedTargets(nxJson: NxJsonConfiguration): Set<string> {
  const found = new Set<string>();
  JSON.stringify(nxJson.plugins ?? [], (key, value: unknown) => {
    if (/targetName$/i.test(key) && typeof value === 'string') found.add(value);
    return value;
  });
  return found;
}

/** Other names for those of our targets that the workspace has already: its own would hide ours. */
function renamed(ours: string[], theirs: ReadonlySet<string>): Record<string, string> {
  const other = (target: string) => (target === 'build' ? 'artifact' : `sluice-${target}`);
  return Object.fromEntries(
    ours.filter((target) => theirs.has(target)).map((target) => [target, other(target)]),
  );
}

type TargetDefaults = NonNullable<NxJsonConfiguration['targetDefaults']>;

/**
 * The publish step of `nx release` is ours. Without a default of that name the executor of @nx/js would win,
 * which packs anew for each registry. One that the workspace chose itself stays.
 */
function withPublishStep(defaults: TargetDefaults | undefined): TargetDefaults {
  const ours: Partial<TargetConfiguration> = { executor: '@sluice/nx:publish-registry' };
  return { ...defaults, 'nx-release-publish': defaults?.['nx-release-publish'] ?? ours };
}

/** No tag by Nx: ours comes when the version is proved to be in the first stage, so that it never lies. */
export const RELEASE: NxJsonConfiguration['release'] = {
  projects: ['tag:npm:public'],
  projectsRelationship: 'independent',
  releaseTag: { pattern: '{projectName}@{version}' },
  git: { commit: true, tag: false },
  version: {
    conventionalCommits: true,
    fallbackCurrentVersionResolver: 'disk',
    updateDependents: 'auto',
    versionPrefix: '^',
    preserveMatchingDependencyRanges: false,
  },
  changelog: {
    automaticFromRef: true,
    workspaceChangelog: false,
    projectChangelogs: { createRelease: false },
  },
};
