import { errors, Secret } from '../foundation/index.ts';
import { durationMs } from './duration.ts';
import { isRegistryUrl } from './addresses.ts';
import type { PackageStageOptions, Profile, RegistryKind, SluiceOptions, Stage } from './types.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** The profile that `SLUICE_PROFILE` says: `local` unless `live` is said. Throws PROFILE_UNKNOWN. */
export function profileOf(env: Env): Profile {
  const said = env['SLUICE_PROFILE'];
  if (said === undefined || said === '' || said === 'local') return 'local';
  if (said === 'live') return 'live';
  throw errors.PROFILE_UNKNOWN({ said });
}

/** What a registry is, where nobody `said` it: without an address it is the client's default, which is npm's own. */
export function registryKind(url: string | undefined, said?: RegistryKind): RegistryKind {
  if (said) return said;
  if (url === undefined) return 'npm';
  return /(^|\.)pkg\.github\.com$/.test(new URL(url).hostname) ? 'github' : 'generic';
}

/** `SLUICE_PRE_PROD_REGISTRY` for the stage `pre-prod` and the part `REGISTRY`. */
export function overrideName(stage: string, part: 'REGISTRY' | 'TOKEN' | 'USERNAME' | 'HOSTS'): string {
  return `SLUICE_${stage.toUpperCase().replaceAll('-', '_')}_${part}`;
}

/** Names of the package stages that need a local registry: in the local profile all that the environment does not point elsewhere. */
export function localStages(options: SluiceOptions, env: Env): string[] {
  if (profileOf(env) === 'live') return [];
  return options.packages.stages.map((s) => s.name).filter((name) => !env[overrideName(name, 'REGISTRY')]);
}

export interface ResolveInput {
  options: SluiceOptions;
  profile: Profile;
  env: Env;
  /** The npm client's own default registry, see `registry/client-config.ts`. */
  defaultRegistry: string;
  /** Address and token of the local registry of each stage in `localStages`. */
  local?: ReadonlyMap<string, { url: string; token: Secret }>;
  /** The token that the npm client's own configuration has for an address. Asked last. */
  clientToken?: (url: string) => Secret | undefined;
}

/**
 * The package stages with addresses and tokens, in their order.
 * @throws ADDRESS_OVERRIDE_REFUSED where the environment would move a gated stage in the live profile, ADDRESS_INVALID
 */
export function resolveStages(input: ResolveInput): Stage[] {
  const { stages } = input.options.packages;
  return stages.map((stage, index) => ({
    pipeline: 'packages',
    name: stage.name,
    index,
    before: stages[index - 1]?.name,
    ...place(stage, input),
    access: stage.access ?? 'public',
    tag: stage.tag ?? 'latest',
    verify: stage.verify ?? 'bytes',
    gate: stage.gate,
    visibleWithinMs: durationMs(stage.visibleWithin ?? '5m'),
  }));
}

type Place = Pick<Stage, 'registry' | 'kind' | 'identity' | 'token' | 'tokenEnv' | 'trusted' | 'staged'>;

function place(
  stage: PackageStageOptions,
  { profile, env, defaultRegistry, local, clientToken }: ResolveInput,
): Place {
  const override = overriddenAddress(stage, profile, env);
  if (profile === 'local' && override === undefined) {
    const lease = local?.get(stage.name);
    if (!lease) throw new TypeError(`resolveStages needs the local registry of the stage "${stage.name}"`);
    const registry = withoutSlash(lease.url);
    return {
      registry,
      kind: 'verdaccio',
      identity: `local:${stage.name}`,
      token: lease.token,
      tokenEnv: overrideName(stage.name, 'TOKEN'),
    };
  }
  const said = override ?? stage.registry;
  const registry = withoutSlash(said ?? defaultRegistry);
  const kind = registryKind(said, stage.kind);
  // A live token is never sent to where the local profile points a stage.
  const tokenEnv =
    profile === 'local'
      ? overrideName(stage.name, 'TOKEN')
      : (stage.tokenEnv ?? usualTokenEnv(kind, stage.name));
  const trusted = profile === 'live' && (stage.trusted ?? (said === undefined && kind === 'npm'));
  const given = env[tokenEnv] ? new Secret(env[tokenEnv]) : clientToken?.(registry);
  return {
    registry,
    kind,
    identity: said === undefined ? 'default' : registry.replace(/^https?:\/\//, ''),
    token: trusted && given && PLACEHOLDER.test(given.reveal()) ? undefined : given,
    tokenEnv,
    ...(trusted ? { trusted } : {}),
    // The local registries know nothing of it, and publish directly.
    ...(stage.publish === 'staged' && kind === 'npm'
      ? { staged: { approvedWithinMs: stage.approvedWithin ? durationMs(stage.approvedWithin) : 0 } }
      : {}),
  };
}

/** What actions/setup-node has the npm client send where it was given no token. */
const PLACEHOLDER = /^X{5}(-X{5})+$/;

function overriddenAddress(stage: PackageStageOptions, profile: Profile, env: Env): string | undefined {
  const variable = overrideName(stage.name, 'REGISTRY');
  const address = env[variable] || undefined;
  if (address === undefined) return undefined;
  if (profile === 'live' && stage.gate)
    throw errors.ADDRESS_OVERRIDE_REFUSED({ stage: stage.name, variable });
  if (!isRegistryUrl(address)) throw errors.ADDRESS_INVALID({ stage: stage.name, variable });
  return address;
}

/** The variable that holds the token of a stage's registry in the live profile. */
export function registryVariable({ name, registry, kind, tokenEnv }: PackageStageOptions): string {
  return tokenEnv ?? usualTokenEnv(registryKind(registry, kind), name);
}

function usualTokenEnv(kind: RegistryKind, stage: string): string {
  if (kind === 'github') return 'GITHUB_TOKEN';
  return kind === 'npm' ? 'NPM_TOKEN' : `${stage.toUpperCase().replaceAll('-', '_')}_REGISTRY_TOKEN`;
}

const withoutSlash = (url: string): string => new URL(url).href.replace(/\/+$/, '');

/** The names of all stages, packages' first: the configurations of every target that takes a stage. */
export function targetConfigurations(options: SluiceOptions): string[] {
  return [...options.packages.stages, ...(options.services?.stages ?? [])].map((stage) => stage.name);
}

/** Names of one pipeline's stages, in their order. */
export function stagesOf(options: SluiceOptions, pipeline: 'packages' | 'services'): string[] {
  return (options[pipeline]?.stages ?? []).map((stage) => stage.name);
}

/** Which pipeline a stage belongs to; a project of the other kind has nothing to do there. Throws STAGE_MISSING, STAGE_UNKNOWN. */
export function pipelineOf(
  options: SluiceOptions,
  name: string | undefined,
  target: string,
): 'packages' | 'services' {
  const stages = targetConfigurations(options);
  if (!name) throw errors.STAGE_MISSING({ target, stages });
  if (!stages.includes(name)) throw errors.STAGE_UNKNOWN({ stage: name, stages });
  return options.packages.stages.some((stage) => stage.name === name) ? 'packages' : 'services';
}

/** The stage of that name. Throws STAGE_MISSING, STAGE_UNKNOWN. */
export function stageNamed<S extends { name: string }>(
  stages: readonly S[],
  name: string | undefined,
  target = 'this command',
): S {
  const names = stages.map((stage) => stage.name);
  if (!name) throw errors.STAGE_MISSING({ target, stages: names });
  const stage = stages.find((s) => s.name === name);
  if (!stage) throw errors.STAGE_UNKNOWN({ stage: name, stages: names });
  return stage;
}
