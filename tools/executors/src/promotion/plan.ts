import semver from 'semver';
import { errors, type SluiceError } from '../foundation/index.ts';
import { planHash } from '../gate/index.ts';
import type { Entry, LedgerState, Promoted, Published } from '../ledger/types.ts';
import type { Stage } from '../pipeline/types.ts';
import type { Presence } from '../registry/types.ts';
import { distTagOf, mayMove } from './tags.ts';
import type { PlanItem, PromotionPlan } from './types.ts';

/** A package that somebody wants to move; without `version` the position of the stage before is meant. */
export interface Request {
  project: string;
  name: string;
  version?: string;
}

export interface PlanInput {
  repository: string;
  stage: Stage;
  before: Stage;
  requests: Request[];
  state: LedgerState;
  /** What the target's registry says, for every requested package and for their workspace dependencies. */
  target: Map<string, Presence>;
  /** Packages that the target could not be asked about, and why. */
  unknown: Map<string, SluiceError>;
  policy: string;
  /** Lets `latest` move to a lower version. */
  backwards?: boolean;
  /** Names of the targets, for messages. */
  targets?: { 'publish-registry': string; promote: string };
}

/** The package names whose presence in the target a plan needs: the requested ones and what they depend on. */
export function namesToLookUp(state: LedgerState, before: string, requests: Request[]): string[] {
  const names = new Set<string>();
  for (const request of requests) {
    names.add(request.name);
    const source = sourceOf(state, before, request);
    const published = source && state.published(request.name, source.record.version);
    for (const name of Object.keys(published?.record.dependencies ?? {})) names.add(name);
  }
  return [...names];
}

/** Decides, without any I/O, what happens to each package. The order of `items` is dependencies first. */
export function assemblePlan(input: PlanInput): PromotionPlan {
  const { stage, before, state } = input;
  const drafts = new Map(input.requests.map((request) => [request.name, draft(input, request)]));
  for (const item of inOrder(drafts, state)) settleDependencies(item, drafts, input);
  const items = inOrder(drafts, state);
  return {
    schemaVersion: 1,
    pipeline: 'packages',
    repository: input.repository,
    stage: stage.name,
    from: before.name,
    registry: stage.identity,
    hash: planHash({
      repository: input.repository,
      pipeline: 'packages',
      stage: stage.name,
      registry: stage.identity,
      items: items.filter((item) => item.action === 'promote'),
    }),
    ledgerHead: state.head,
    policy: input.policy,
    items,
  };
}

export function sourceOf(
  state: LedgerState,
  before: string,
  request: Request,
): Entry<Published | Promoted> | undefined {
  return request.version
    ? state.entered(before, request.name, request.version)
    : state.position(before, request.name);
}

function draft(input: PlanInput, request: Request): PlanItem {
  const { stage, before, state } = input;
  const source = sourceOf(state, before.name, request);
  const version = source?.record.version ?? request.version ?? '';
  const published = state.published(request.name, version);
  const tag = version ? distTagOf(version, stage.tag) : stage.tag;
  const presence = input.target.get(request.name);
  const previous = presence?.tags[tag];
  const item: PlanItem = {
    project: request.project,
    name: request.name,
    version,
    integrity: source?.record.integrity ?? '',
    size: published?.record.size ?? 0,
    action: 'promote',
    tag,
    movesTag: version !== '' && mayMove(version, previous, input.backwards ?? false),
    ...(previous === undefined ? {} : { previous }),
    after: [],
  };
  const unknown = input.unknown.get(request.name);
  if (unknown) return refused(item, unknown);
  if (!source || !published) return refused(item, missingSource(input, request));
  const hold = state.hold(request.name, version);
  if (hold) {
    const error = errors.HELD({ name: item.name, version, reason: hold.record.reason });
    return { ...refused(item, error), action: 'held' };
  }
  const there = presence?.versions.get(version);
  const differs =
    there !== undefined &&
    (there.integrity
      ? there.integrity !== item.integrity
      : there.shasum !== undefined && there.shasum !== published.record.shasum);
  if (differs) {
    const found = there.integrity ?? `sha1 ${there.shasum}`;
    return refused(
      item,
      errors.OTHER_BYTES({ name: item.name, version, stage: stage.name, expected: item.integrity, found }),
    );
  }
  const recorded = state.standing(stage.name, item.name, version)?.record.integrity === item.integrity;
  const tagged = previous === version || !item.movesTag;
  if (there && recorded && tagged) item.action = 'nothing';
  return item;
}

const usualTargets = { 'publish-registry': 'publish-registry', promote: 'promote' };

/** Why there is nothing to take from the stage before, and how to get it there. */
export function missingSource(
  input: Pick<PlanInput, 'state' | 'targets'> & {
    stage: { name: string };
    before: { name: string; index: number };
  },
  request: Request,
): SluiceError {
  const { stage, before, state, targets = usualTargets } = input;
  if (request.version) {
    return errors.VERSION_NOT_IN_PREDECESSOR({
      name: request.name,
      version: request.version,
      stage: stage.name,
      before: before.name,
      has: state.history(before.name, request.name).map((entry) => entry.record.version),
    });
  }
  const publish =
    before.index === 0
      ? `npx nx run ${request.project}:${targets['publish-registry']}`
      : `npx nx run ${request.project}:${targets.promote}:${before.name}`;
  return errors.PREDECESSOR_EMPTY({
    project: request.project,
    name: request.name,
    stage: stage.name,
    before: before.name,
    publish,
  });
}

/** A package goes only where everything it needs is, or comes along in the same plan. */
function settleDependencies(item: PlanItem, drafts: Map<string, PlanItem>, input: PlanInput): void {
  const dependencies = input.state.published(item.name, item.version)?.record.dependencies ?? {};
  item.after = Object.keys(dependencies).filter((name) => drafts.get(name)?.action === 'promote');
  if (item.action !== 'promote') return;
  for (const [name, { range }] of Object.entries(dependencies)) {
    const companion = drafts.get(name);
    const comes = companion?.action === 'promote' && satisfies(companion.version, range);
    const there = [...(input.target.get(name)?.versions.keys() ?? [])].filter((version) =>
      satisfies(version, range),
    );
    // What was rolled back stays in the registry; nothing new may rest on it.
    if (comes || there.some((version) => !input.state.hold(name, version))) continue;
    const unknown = input.unknown.get(name);
    if (unknown) return void refused(item, unknown);
    const project = input.state.project(name) ?? companion?.project ?? name;
    refused(
      item,
      errors.DEPENDENCY_NOT_IN_STAGE({
        name: item.name,
        version: item.version,
        stage: input.stage.name,
        dependency: name,
        range,
        command: `npx nx run ${project}:${(input.targets ?? usualTargets).promote}:${input.stage.name}`,
        held: there[0],
      }),
    );
    return;
  }
}

export const satisfies = (version: string, range: string) => semver.satisfies(version, range);

export function refused(item: PlanItem, error: SluiceError): PlanItem {
  item.action = 'refused';
  item.problem = { code: error.code, what: error.message, state: error.state, next: error.next };
  return item;
}

/** Depth first over the dependencies recorded at publish. A circle in them is left to the engine to report. */
function inOrder(drafts: Map<string, PlanItem>, state: LedgerState): PlanItem[] {
  const sorted = new Set<PlanItem>();
  const open = new Set<string>();
  const visit = (item: PlanItem): void => {
    if (sorted.has(item) || open.has(item.name)) return;
    open.add(item.name);
    for (const name of Object.keys(state.published(item.name, item.version)?.record.dependencies ?? {})) {
      const dependency = drafts.get(name);
      if (dependency) visit(dependency);
    }
    open.delete(item.name);
    sorted.add(item);
  };
  for (const item of drafts.values()) visit(item);
  return [...sorted];
}
