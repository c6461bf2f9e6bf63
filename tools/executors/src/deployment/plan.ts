import { errors } from '../foundation/index.ts';
import { explainClosed } from '../gate/index.ts';
import type { Migration, ServiceStage } from '../service/types.ts';
import type { FoundRelease, HostTruth } from './facts.ts';
import type { Served } from './passage.ts';
import { composeHash, isImmutable, releaseName } from './release.ts';
import type { DeployableArtifact, DeploymentPlan, ReleaseManifest, RenderedRelease } from './types.ts';
import { wavesOf } from './waves.ts';

/** A service that somebody wants to deploy. */
export interface DeployRequest {
  project: string;
  /** Name from the project's package.json. */
  name: string;
  /** `sha-...` or a digest; what stands in the stage unless given. */
  version?: string;
  /** Deploy although all hosts have this release already. */
  force?: boolean;
  canary?: string | number;
}

/** What planning read of one host. */
export interface HostNow {
  name: string;
  truth: HostTruth;
  releases: FoundRelease[];
}

export interface PlanInput {
  stage: ServiceStage;
  request: DeployRequest;
  artifact: DeployableArtifact;
  environmentHash: string;
  /** In the stage's order; the first is the leader. */
  hosts: HostNow[];
  release: string;
  rendered: RenderedRelease;
  run: string;
  now: Date;
  canary?: number;
}

/** The checks that need nothing of the world. Throws SERVICE_NO_HOSTS, TAG_INSTEAD_OF_DIGEST. */
export function checkRequest(stage: ServiceStage, { project, version }: DeployRequest): void {
  if (stage.hosts.length === 0) throw errors.SERVICE_NO_HOSTS({ stage: stage.name });
  if (version !== undefined && !isImmutable(version))
    throw errors.TAG_INSTEAD_OF_DIGEST({ project, stage: stage.name, said: version });
}

export const nextRelease = (artifact: DeployableArtifact, now: Date): string =>
  releaseName(artifact.digest, now);

/** Decides, without any I/O, what a deployment does. */
export function assembleDeploymentPlan(input: PlanInput): DeploymentPlan {
  const { stage, request, artifact, hosts } = input;
  const release = manifestOf(input);
  const pending = pendingMigrations(artifact.bundle.migrations, hosts);
  const first = hosts.every(({ truth }) => truth.current === undefined);
  const contract = pending.filter((migration) => migration.contract).map(({ name }) => name);
  const plan: DeploymentPlan = {
    schemaVersion: 1,
    pipeline: 'services',
    project: request.project,
    service: artifact.project,
    stage: stage.name,
    action: 'deploy',
    release,
    current: Object.fromEntries(hosts.map(({ name, truth }) => [name, truth.current])),
    hosts: wavesOf(
      hosts.map(({ name }) => name),
      stage.parallel,
    ),
    pendingMigrations: pending,
    blocksRollback: !first && contract.length > 0 ? contract.join(', ') : undefined,
    ...(input.canary === undefined ? {} : { canary: input.canary }),
    ...(artifact.gate ? { gate: artifact.gate } : {}),
  };
  if (artifact.gate && !artifact.gate.open) {
    const error = explainClosed(
      new Map([[`${artifact.name}@${artifact.version}`, artifact.gate]]),
      stage.name,
    );
    const { code, message: what, state, next } = error;
    return { ...plan, action: 'refused', problem: { code, what, state, next } };
  }
  if (!request.force && hosts.every((host) => hasIt(host, release))) return { ...plan, action: 'nothing' };
  return plan;
}

function manifestOf({
  stage,
  artifact,
  environmentHash,
  release,
  rendered,
  run,
  now,
}: PlanInput): ReleaseManifest {
  const { project, name, version, digest, images, bundle } = artifact;
  return {
    schemaVersion: 1,
    release,
    service: project,
    environment: stage.name,
    project,
    name,
    version,
    digest,
    images,
    composeHash: composeHash(bundle, images, stage),
    environmentHash,
    databaseVersion: bundle.migrations.at(-1)?.name ?? null,
    migrations: bundle.migrations,
    upstreams: rendered.upstreams,
    databases: bundle.config.databases,
    volumes: bundle.config.volumes,
    run,
    at: now.toISOString(),
  };
}

/** The manifest of the release that a host counts as its current one. */
export const currentOf = ({ truth, releases }: HostNow): ReleaseManifest | undefined =>
  releases.find(({ manifest }) => manifest.release === truth.current)?.manifest;

export const servedOn = (host: HostNow): Served | undefined => {
  const manifest = currentOf(host);
  return host.truth.current === undefined
    ? undefined
    : { release: host.truth.current, ...(manifest ? { manifest } : {}) };
};

/** What the artifact brings that the release on the leader did not have: there the migrations run. */
function pendingMigrations(migrations: Migration[], [leader]: HostNow[]): Migration[] {
  const there = new Set((leader && currentOf(leader)?.migrations)?.map(({ name }) => name));
  return migrations.filter(({ name }) => !there.has(name));
}

function hasIt(host: HostNow, wanted: ReleaseManifest): boolean {
  const found = currentOf(host);
  return (
    found !== undefined &&
    host.truth.serving === found.release &&
    found.digest === wanted.digest &&
    found.composeHash === wanted.composeHash &&
    found.environmentHash === wanted.environmentHash
  );
}
