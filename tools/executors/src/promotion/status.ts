import type { LedgerState } from '../ledger/types.ts';
import type { Context } from './context.ts';
import { IMAGES } from '../service/types.ts';
import { kindOfStage } from './kinds/index.ts';
import { workspaceProjects, type WorkspaceProject } from './workspace-packages.ts';

/** What one stage holds of one package. */
export interface StageStatus {
  stage: string;
  version?: string;
  since?: string;
  integrity?: string;
  /** Who recorded it. */
  by?: string;
  /** Principals whose approvals let it in. */
  approvedBy: string[];
  /** A version of the stage before that has not entered. */
  waiting?: string;
  /** The version that stands here is held: nothing promotes it any further. */
  isHeld?: boolean;
  /** Why it waits: what the gate misses, or what a promotion would fail with. */
  waitsFor?: string[];
  held?: string[];
}
export interface PackageStatus {
  project: string;
  name: string;
  stages: StageStatus[];
}
/** What a service's stage says beyond what was promoted into it. */
export interface ServiceStageStatus extends StageStatus {
  /** What serves on the hosts, by the newest deployment that came to its end. */
  running?: { version: string; release: string; since: string; by: string; hosts: number };
  /** The newest attempt, where it failed. */
  failed?: { version: string; at: string; code: string; outcome: string };
}
export interface ServiceStatus {
  project: string;
  name: string;
  stages: ServiceStageStatus[];
}
export interface Status {
  schemaVersion: 1;
  profile: string;
  ledgerHead: string | null;
  records: number;
  packages: PackageStatus[];
  services: ServiceStatus[];
}

export interface StatusInput {
  state: LedgerState;
  profile: string;
  /** The packages' stages. */
  stages: string[];
  /** The services' places: the registry that they are published to, then their stages. */
  places?: string[];
  /** Projects of the workspace that were perhaps never published. */
  others?: Pick<WorkspaceProject, 'name' | 'project' | 'pipeline'>[];
  /** What keeps what waits, by stage and then "name@version". */
  obstacles?: Map<string, Map<string, string[]>>;
}

/** What is where, from the folded ledger alone. */
export function assembleStatus(input: StatusInput): Status {
  const { state, stages, places = [] } = input;
  return {
    schemaVersion: 1,
    profile: input.profile,
    ledgerHead: state.head,
    records: state.count,
    packages: projectsOf(input, 'packages').map(({ name, project }) => ({
      project,
      name,
      stages: stages.map((stage, index) => stageStatus(input, name, stage, stages[index - 1])),
    })),
    services: projectsOf(input, 'services').map(({ name, project }) => ({
      project,
      name,
      stages: places.map((stage, index) => ({
        ...stageStatus(input, name, stage, places[index - 1]),
        ...deploymentStatus(state, name, stage),
      })),
    })),
  };
}

function projectsOf(
  { state, others = [] }: StatusInput,
  pipeline: 'packages' | 'services',
): { name: string; project: string }[] {
  const names = pipeline === 'packages' ? state.packages() : state.services();
  const known = names.map((name) => ({ name, project: state.project(name) ?? name }));
  const never = others.filter(
    (other) => other.pipeline === pipeline && !known.some((one) => one.name === other.name),
  );
  return [...known, ...never].toSorted((a, b) => a.name.localeCompare(b.name));
}

function deploymentStatus(
  state: LedgerState,
  name: string,
  stage: string,
): Pick<ServiceStageStatus, 'running' | 'failed'> {
  const running = state.running(stage, name)?.record;
  const last = state.deployments(stage, name).at(-1)?.record;
  return {
    ...(running
      ? {
          running: {
            version: running.version,
            release: running.release,
            since: running.at,
            by: running.by,
            hosts: running.hosts.length,
          },
        }
      : {}),
    ...(last?.type === 'deploy-failed'
      ? { failed: { version: last.version, at: last.at, code: last.code, outcome: last.outcome } }
      : {}),
  };
}

function stageStatus(
  { state, obstacles }: StatusInput,
  name: string,
  stage: string,
  before: string | undefined,
): StageStatus {
  const here = state.newest(stage, name)?.record;
  const next = before === undefined ? undefined : state.position(before, name)?.record;
  const waits = next && state.standing(stage, name, next.version)?.record.integrity !== next.integrity;
  const waitsFor = next && obstacles?.get(stage)?.get(`${name}@${next.version}`);
  const held = [...new Set(state.history(stage, name).map((entry) => entry.record.version))].filter(
    (version) => state.hold(name, version),
  );
  return {
    stage,
    approvedBy: here?.type === 'promoted' ? approvers(state, stage, here.approvals) : [],
    ...(here ? { version: here.version, since: here.at, integrity: here.integrity, by: here.by } : {}),
    ...(here && state.hold(name, here.version) ? { isHeld: true } : {}),
    ...(waits ? { waiting: next.version } : {}),
    ...(waits && waitsFor && waitsFor.length > 0 ? { waitsFor } : {}),
    ...(held.length > 0 ? { held } : {}),
  };
}

function approvers(state: LedgerState, stage: string, nonces: string[]): string[] {
  const approvals = state.approvals(stage).map((entry) => entry.record);
  return nonces.flatMap((nonce) => approvals.find((one) => one.nonce === nonce)?.by ?? []);
}

/** What is where, and what waits for what. Asks registries only about what waits behind a gate. */
export async function statusOf(context: Context): Promise<Status> {
  const state = await (await context.ledger()).refresh();
  const { packages, services } = context.options;
  const input: StatusInput = {
    state,
    profile: context.profile,
    stages: packages.stages.map((stage) => stage.name),
    places: services ? [IMAGES, ...services.stages.map((stage) => stage.name)] : [],
    others: await workspaceProjects(context.workspaceRoot),
  };
  const plain = assembleStatus(input);
  const obstacles = new Map<string, Map<string, string[]>>();
  for (const stage of [...packages.stages, ...(services?.stages ?? [])]) {
    const requests = [...plain.packages, ...plain.services]
      .filter((one) => one.stages.some((here) => here.stage === stage.name && here.waiting !== undefined))
      .map(({ name, project }) => ({ name, project }));
    if (!stage.gate || requests.length === 0) continue;
    obstacles.set(stage.name, await obstaclesOf(context, stage.name, requests));
  }
  return obstacles.size === 0 ? plain : assembleStatus({ ...input, obstacles });
}

async function obstaclesOf(
  context: Context,
  stage: string,
  requests: { name: string; project: string }[],
): Promise<Map<string, string[]>> {
  const kind = kindOfStage(context.options, stage, 'status');
  const { plan } = await kind.plan(context, { stage, requests });
  return new Map(
    plan.items.map(({ name, version, problem, gate }) => [
      `${name}@${version}`,
      problem
        ? [`${problem.code}: ${problem.what}`]
        : (gate?.results ?? []).filter((result) => !result.open).map((result) => result.detail),
    ]),
  );
}
