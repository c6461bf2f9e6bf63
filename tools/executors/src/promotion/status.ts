import type { LedgerState } from '../ledger/types.ts';
import type { Context } from './context.ts';
import { planPromotion } from './promote.ts';
import { workspacePackages } from './workspace-packages.ts';

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
export interface Status {
  schemaVersion: 1;
  profile: string;
  ledgerHead: string | null;
  records: number;
  packages: PackageStatus[];
}

/** What is where, from the folded ledger alone. `others` are publishable packages that were never published. */
export function assembleStatus(input: {
  state: LedgerState;
  profile: string;
  stages: string[];
  others?: { project: string; name: string }[];
  /** What keeps what waits, by stage and then "name@version". */
  obstacles?: Map<string, Map<string, string[]>>;
}): Status {
  const { state, stages } = input;
  const known = state.packages().map((name) => ({ name, project: state.project(name) ?? name }));
  const never = (input.others ?? []).filter(({ name }) => !known.some((one) => one.name === name));
  return {
    schemaVersion: 1,
    profile: input.profile,
    ledgerHead: state.head,
    records: state.count,
    packages: [...known, ...never]
      .toSorted((a, b) => a.name.localeCompare(b.name))
      .map(({ name, project }) => ({
        project,
        name,
        stages: stages.map((stage, index) => stageStatus(input, name, stage, stages[index - 1])),
      })),
  };
}

function stageStatus(
  { state, obstacles }: Parameters<typeof assembleStatus>[0],
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
  const stages = context.options.packages.stages.map((stage) => stage.name);
  const others = await workspacePackages(context.workspaceRoot);
  const plain = assembleStatus({ state, profile: context.profile, stages, others });
  const obstacles = new Map<string, Map<string, string[]>>();
  for (const stage of context.options.packages.stages) {
    const requests = plain.packages
      .filter((one) => one.stages.some((here) => here.stage === stage.name && here.waiting !== undefined))
      .map(({ name, project }) => ({ name, project }));
    if (!stage.gate || requests.length === 0) continue;
    obstacles.set(stage.name, await obstaclesOf(context, stage.name, requests));
  }
  return obstacles.size === 0
    ? plain
    : assembleStatus({ state, profile: context.profile, stages, others, obstacles });
}

async function obstaclesOf(
  context: Context,
  stage: string,
  requests: { name: string; project: string }[],
): Promise<Map<string, string[]>> {
  const { plan } = await planPromotion(context, { stage, requests });
  return new Map(
    plan.items.map(({ name, version, problem, gate }) => [
      `${name}@${version}`,
      problem
        ? [`${problem.code}: ${problem.what}`]
        : (gate?.results ?? []).filter((result) => !result.open).map((result) => result.detail),
    ]),
  );
}
