import { errors } from '../foundation/index.ts';
import type { ServiceStage } from '../service/types.ts';
import { releasesOf, truthOf, type FoundBackup } from './facts.ts';
import { Member, runOn, sideBySide, type HostEvent, type Reach } from './fleet.ts';
import type { Setting } from './inputs.ts';
import { askOutside, outsideChecks } from './outside.ts';
import type { Deployment, Passage } from './passage.ts';
import {
  assembleDeploymentPlan,
  checkRequest,
  currentOf,
  nextRelease,
  servedOn,
  type DeployRequest,
  type HostNow,
} from './plan.ts';
import type { DeployableArtifact, DeploymentContext, ReleaseManifest } from './types.ts';
import { environmentHash, ownVariables, resolveVariables } from './variables.ts';
import { canaryWeight, wavesOf } from './waves.ts';

/** How long a host that was lost may stay away. Longer than a restart of its sshd, shorter than the usual lease. */
const PATIENCE = 30_000;
/** Room for layers while they are unpacked, and for what a dump grew by since the last one. */
const UNPACKED = 3;
const MEGABYTE = 1_000_000;

export interface PrepareOptions {
  stage: ServiceStage;
  /** Content of `--env-file`. */
  given?: Record<string, string>;
  canaryForMs?: number;
  signal?: AbortSignal;
  onLine?: Reach['onLine'];
  /** What a host of a project is at. */
  onHost?: (project: string, event: HostEvent) => void;
}

/** Opens the hosts of a service, without connecting yet. */
export async function openMembers(
  context: DeploymentContext,
  stage: ServiceStage,
  service: string,
): Promise<Member[]> {
  const places = wavesOf(stage.hosts, stage.parallel);
  const members: Member[] = [];
  try {
    for (const place of places)
      members.push(new Member(await context.openHost(stage, place.name, service), place));
  } catch (error) {
    await closeMembers(members);
    throw error;
  }
  return members;
}

export const closeMembers = async (members: Member[]): Promise<void> =>
  void (await Promise.allSettled(members.map(({ host }) => host.close())));

export const reachOf = (
  context: DeploymentContext,
  { onLine, onHost }: Pick<PrepareOptions, 'onLine' | 'onHost'>,
  project: string,
): Reach => ({
  run: context.run,
  patienceMs: PATIENCE,
  sleep: context.sleep ?? ((ms) => new Promise((resolve) => setTimeout(resolve, ms))),
  ...(onLine ? { onLine } : {}),
  ...(onHost ? { onHost: (event: HostEvent) => onHost(project, event) } : {}),
});

/** What is on the hosts now. Reads only. */
export async function lookAt(
  members: Member[],
  reach: Reach,
  signal?: AbortSignal,
): Promise<{ hosts: HostNow[]; backups: Map<string, FoundBackup[]> }> {
  const backups = new Map<string, FoundBackup[]>();
  const found = await sideBySide(members, signal, async (member, both): Promise<HostNow> => {
    const truth = truthOf(await runOn(member, 'truth', { signal: both }, reach));
    const said = releasesOf(await runOn(member, 'releases', { signal: both }, reach));
    backups.set(member.name, said.backups);
    return { name: member.name, truth, releases: said.releases };
  });
  return { hosts: members.map((member) => found.get(member) as HostNow), backups };
}

/** What every passage begins with, deployed or rolled back. */
export const beginning = ({ now = () => new Date() }: DeploymentContext, hosts: HostNow[]) =>
  ({
    before: new Map(hosts.map((host) => [host.name, servedOn(host)])),
    now,
    timings: [],
    notes: [],
    at: 'plan',
    baked: false,
    committed: false,
  }) satisfies Partial<Passage>;

/**
 * All that a dry run prints and a deployment carries out; the hosts are asked what is there, and nothing is changed.
 * The caller closes the members.
 * @throws SERVICE_NO_HOSTS, TAG_INSTEAD_OF_DIGEST, DIGEST_NOT_PROMOTED, VARIABLE_MISSING, CANARY_*, and what a host says
 */
export async function planDeployment(
  context: DeploymentContext,
  request: DeployRequest,
  options: PrepareOptions,
): Promise<Deployment> {
  const { stage, signal } = options;
  checkRequest(stage, request);
  const canary = request.canary === undefined ? undefined : canaryWeight(request.canary);
  const artifact = await artifactOf(context, request, stage, signal);
  const { bundle } = artifact;
  if (canary !== undefined && (stage.proxy === 'none' || Object.keys(bundle.config.http).length === 0))
    throw errors.CANARY_WITHOUT_PROXY({ project: request.project, stage: stage.name });
  const { env } = context;
  const variables = resolveVariables({
    bundle,
    stage: stage.name,
    env,
    ...(options.given ? { given: options.given } : {}),
  });
  const members = await openMembers(context, stage, artifact.project);
  try {
    const reach = reachOf(context, options, artifact.project);
    const hash = context.environmentHash ?? environmentHash;
    const [{ hosts, backups }, hashed] = await Promise.all([
      lookAt(members, reach, signal),
      hash(variables, `${artifact.name} ${stage.name}`),
    ]);
    const now = context.now?.() ?? new Date();
    const release = nextRelease(artifact, now);
    const rendered = context.render({
      bundle,
      stage,
      release,
      run: context.run,
      images: artifact.images,
      variables: { ...variables, ...ownVariables({ version: artifact.version, stage: stage.name, release }) },
    });
    const plan = assembleDeploymentPlan({
      stage,
      request,
      artifact,
      environmentHash: hashed,
      hosts,
      release,
      rendered,
      run: context.run,
      now,
      ...(canary === undefined ? {} : { canary }),
    });
    const setting: Setting = {
      stage,
      service: artifact.project,
      run: context.run,
      owner: context.owner,
      release: plan.release,
      files: rendered.files,
      accessories: rendered.accessories,
      variables,
      ...(artifact.credentials ? { credentials: artifact.credentials } : {}),
      needMb: needed(artifact, [...backups.values()].flat()),
      ...(bundle.config.migrations ? { migrations: bundle.config.migrations } : {}),
      oneWay: plan.blocksRollback !== undefined,
      backups: bundle.config.stages[stage.name]?.backup?.keep ?? stage.backups,
    };
    const unrecorded = plan.action === 'nothing' ? unrecordedOn(hosts, artifact) : undefined;
    return {
      plan,
      ...(unrecorded ? { unrecorded } : {}),
      setting,
      members,
      reach,
      ...beginning(context, hosts),
      outside: {
        checks: outsideChecks(stage, bundle),
        ask: context.askOutside ?? askOutside,
        before: new Set(),
      },
      canaryForMs: options.canaryForMs ?? stage.bakeMs,
      record: async () => undefined,
    };
  } catch (error) {
    await closeMembers(members);
    throw error;
  }
}

async function artifactOf(
  context: DeploymentContext,
  { project, name, version }: DeployRequest,
  stage: ServiceStage,
  signal?: AbortSignal,
): Promise<DeployableArtifact> {
  const artifact = await context.source.artifact(stage, name, version, signal);
  if (artifact) return artifact;
  const { promote } = context.targets;
  throw errors.DIGEST_NOT_PROMOTED({ project, stage: stage.name, promote, version });
}

/** What serves, where the ledger knows of none of it. */
function unrecordedOn(hosts: HostNow[], { running }: DeployableArtifact): ReleaseManifest | undefined {
  const served = hosts.flatMap((host) => currentOf(host) ?? []);
  return running === undefined || served.some(({ release }) => release === running) ? undefined : served[0];
}

/** Megabytes for the image, unpacked, and for a dump as large as the largest so far. */
function needed({ size }: DeployableArtifact, backups: FoundBackup[]): number {
  const dump = Math.max(0, ...backups.map(({ bytes }) => bytes));
  return Math.ceil((size * UNPACKED + dump * 2) / MEGABYTE);
}
