import { errors, isLoopback, Secret } from '../foundation/index.ts';
import { IMAGES, type ServiceStage } from '../service/types.ts';
import { isImageRepository } from './addresses.ts';
import { durationMs } from './duration.ts';
import { tagRules } from './image-tags.ts';
import { overrideName } from './stages.ts';
import type { Profile, ServicesOptions, ServiceStageOptions, SluiceOptions } from './types.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Where the images of a stage lie, and how to get in. `stage` is a service stage, or `images` for what is published. */
export interface ImagePlace {
  stage: string;
  /** `host[:port]/path`, without scheme and the image's own name. */
  images: string;
  /** Stable name of the place in the ledger. */
  identity: string;
  /** Plain HTTP: only ever on loopback. */
  insecure: boolean;
  /** Undefined: what the docker client has for the host, else nobody. */
  credentials?: { username: string; password: Secret };
  /** The variable a missing token should be put into, for messages. */
  tokenEnv: string;
}

/** The services' half of the pipeline, ready for use. */
export interface ServicePipeline {
  images: ImagePlace;
  stages: ServiceStage[];
  /** One for `images` and one for every stage, by name. */
  places: ReadonlyMap<string, ImagePlace>;
}

export interface ResolveServicesInput {
  options: SluiceOptions;
  profile: Profile;
  env: Env;
  /** `host:port` and login of the local image registry; needed where `needsLocalImages` says so. */
  local?: { host: string; username: string; password: Secret };
}

/** Whether some images lie in the local registry: in the local profile all that the environment does not point elsewhere. */
export function needsLocalImages(options: SluiceOptions, env: Env, profile: Profile): boolean {
  if (profile === 'live' || !options.services) return false;
  const all = env[overrideName(IMAGES, 'REGISTRY')];
  const isElsewhere = ({ name, images }: ServiceStageOptions) =>
    env[overrideName(name, 'REGISTRY')] || (all && !images);
  return !all || !options.services.stages.every(isElsewhere);
}

/**
 * The service stages with their registries, in their order; none where the options have no services.
 * @throws IMAGES_MISSING, IMAGES_ADDRESS_INVALID, ADDRESS_OVERRIDE_REFUSED where the environment would move a gated stage in the live profile
 */
export function resolveServiceStages(input: ResolveServicesInput): ServicePipeline | undefined {
  const { services } = input.options;
  if (!services) return undefined;
  const images = place(input, services);
  const places = new Map([[IMAGES, images]]);
  const stages = services.stages.map((stage, index): ServiceStage => {
    const at = place(input, services, stage);
    places.set(stage.name, at);
    return {
      pipeline: 'services',
      name: stage.name,
      index,
      before: services.stages[index - 1]?.name ?? IMAGES,
      images: at.images,
      identity: at.identity,
      insecure: at.insecure,
      hosts: hostsOf(stage, input),
      ...(stage.gate ? { gate: stage.gate } : {}),
      tags: tagRules(stage),
      proxy: stage.proxy ?? 'caddy',
      ports: { http: stage.ports?.http ?? 80, https: stage.ports?.https ?? 443 },
      folder: stage.folder ?? '.sluice',
      parallel: stage.parallel ?? 1,
      bakeMs: durationMs(stage.bake ?? '30s'),
      backups: stage.backups ?? 5,
      releases: stage.releases ?? 5,
      leaseSeconds: durationMs(stage.lease ?? '60s') / 1000,
      ...(stage.sshConfig ? { sshConfig: stage.sshConfig } : {}),
    };
  });
  return { images, stages, places };
}

/** `services.stages[].hosts`, which `SLUICE_<STAGE>_HOSTS` moves like an address. */
function hostsOf(stage: ServiceStageOptions, { profile, env }: ResolveServicesInput): string[] {
  const variable = overrideName(stage.name, 'HOSTS');
  const said = env[variable];
  if (!said) return stage.hosts ?? [];
  if (profile === 'live' && stage.gate)
    throw errors.ADDRESS_OVERRIDE_REFUSED({ stage: stage.name, variable });
  const hosts = said.split(',').map((host) => host.trim());
  if (new Set(hosts).size < hosts.length || hosts.some((host) => !isHost(host)))
    throw errors.HOSTS_INVALID({ stage: stage.name, variable });
  return hosts;
}

/** Whether ssh takes a text for a destination, and not for an option. */
const isHost = (text: string): boolean => /^[^\s-]\S*$/.test(text);

function place(
  { profile, env, local }: ResolveServicesInput,
  services: ServicesOptions,
  stage?: ServiceStageOptions,
): ImagePlace {
  const name = stage?.name ?? IMAGES;
  // A stage without an address of its own shares the one of `images`, and goes where that goes.
  const owner = stage && (stage.images || env[overrideName(name, 'REGISTRY')]) ? name : IMAGES;
  const variable = overrideName(owner, 'REGISTRY');
  const override = env[variable] || undefined;
  if (override !== undefined) {
    if (profile === 'live' && stage?.gate) throw errors.ADDRESS_OVERRIDE_REFUSED({ stage: name, variable });
    if (!isImageRepository(override)) throw errors.IMAGES_ADDRESS_INVALID({ stage: name, variable });
  }
  if (profile === 'local' && override === undefined) {
    if (!local) throw new TypeError(`resolveServiceStages needs the local registry of the stage "${name}"`);
    return {
      stage: name,
      images: `${local.host}/${owner}`,
      identity: `local:${owner}`,
      insecure: true,
      credentials: { username: local.username, password: local.password },
      tokenEnv: overrideName(owner, 'TOKEN'),
    };
  }
  const own = owner === IMAGES ? services : (stage as ServiceStageOptions);
  const images = override ?? own.images;
  if (images === undefined) throw errors.IMAGES_MISSING({ stage: name });
  // A live token is never sent to where the local profile points a stage, nor one registry's to another.
  const tokenEnv =
    profile === 'local' ? overrideName(owner, 'TOKEN') : (own.tokenEnv ?? usualTokenEnv(images, owner));
  const usernameEnv =
    profile === 'local' ? overrideName(owner, 'USERNAME') : (own.usernameEnv ?? usualUsernameEnv(images));
  const token = env[tokenEnv];
  return {
    stage: name,
    images,
    identity: images,
    insecure: isLoopback(images.split('/')[0] ?? ''),
    ...(token ? { credentials: { username: env[usernameEnv] || 'token', password: new Secret(token) } } : {}),
    tokenEnv,
  };
}

/** The variables that hold the login at the image registry in the live profile: of `services.images`, or of a stage's own. */
export function imageVariables(services: ServicesOptions, stage?: ServiceStageOptions): string[] {
  const own = stage?.images === undefined ? services : stage;
  if (own.images === undefined) return [];
  const owner = stage?.images === undefined ? IMAGES : stage.name;
  return [own.tokenEnv ?? usualTokenEnv(own.images, owner), ...(own.usernameEnv ? [own.usernameEnv] : [])];
}

const ofGitHub = (images: string): boolean => /^ghcr\.io(\/|$)/.test(images);

function usualTokenEnv(images: string, owner: string): string {
  return ofGitHub(images)
    ? 'GITHUB_TOKEN'
    : overrideName(owner, 'REGISTRY').replace(/^SLUICE_/, '') + '_TOKEN';
}

const usualUsernameEnv = (images: string): string => (ofGitHub(images) ? 'GITHUB_ACTOR' : '');
