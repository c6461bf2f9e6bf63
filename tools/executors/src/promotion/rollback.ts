import semver from 'semver';
import { errors, SluiceError } from '../foundation/index.ts';
import type { LedgerState, RecordBody } from '../ledger/types.ts';
import type { Stage } from '../pipeline/types.ts';
import type { StageStore } from '../registry/types.ts';
import { runRows, type Row } from '../steps/index.ts';
import { failure, lookUp, type EngineOptions, type PackageResult } from './carry.ts';
import type { Context } from './context.ts';
import { fail, findNamed } from './named.ts';
import { record } from './recording.ts';
import { distTagOf } from './tags.ts';

/** Said instead of a version to go back to. */
const NONE = 'none';

export interface RollbackOptions {
  stage: string;
  /** Project or package names. */
  packages: string[];
  /** Version to go back to; by default the one that stood in the stage before. `none`: deprecate and hold, leave the tag. */
  to?: string;
  /** The bad version; by default the one that stands in the stage. */
  version?: string;
  reason?: string;
  dryRun?: boolean;
  signal?: AbortSignal;
  onEvent?: EngineOptions['onEvent'];
}

/** What taking one package back means, decided before anything is changed. */
export interface RollbackPlan {
  project: string;
  name: string;
  stage: string;
  bad: { version: string; integrity: string };
  /** Undefined where there is nothing good to go back to: the version is deprecated and held, the tag stays. */
  to?: string;
  tag: string;
  /** What the tag pointed to when this was decided. */
  seen?: string;
  /** The tag points to `to` already. */
  tagStays: boolean;
  deprecates: boolean;
  /** "name@version" of what was promoted into this stage against the bad version. */
  dependents: string[];
  /** What this registry cannot do, in words. */
  cannot: string[];
  reason: string;
}

/**
 * Decides, without I/O, what a rollback of one package does. Throws ROLLBACK_NOTHING, ROLLBACK_NO_TARGET.
 * @param tags what the registry's dist-tags point to now
 */
function planRollback(
  state: LedgerState,
  stage: Stage,
  capabilities: StageStore['capabilities'],
  name: string,
  options: Pick<RollbackOptions, 'to' | 'version' | 'reason'>,
  tags: Record<string, string> = {},
): RollbackPlan {
  const bad = options.version
    ? state.standing(stage.name, name, options.version)?.record
    : state.newest(stage.name, name)?.record;
  if (!bad) throw errors.ROLLBACK_NOTHING({ name, stage: stage.name });
  if (!capabilities.distTags)
    throw errors.CANNOT_ROLL_BACK({ stage: stage.name, cannot: capabilities.cannot });
  const good = goodVersions(state, stage.name, name, bad.version);
  const tag = distTagOf(bad.version, stage.tag);
  // Where the tag never came to the bad version (an older line was mended, say), it stays at the good one that it names.
  const stays = good.find((version) => version === tags[tag]);
  const to = options.to === NONE ? undefined : (options.to ?? stays ?? good[0]);
  if (options.to !== NONE && (to === undefined || !good.includes(to))) {
    throw errors.ROLLBACK_NO_TARGET({
      name,
      version: bad.version,
      stage: stage.name,
      has: good,
      ...(options.to ? { to: options.to } : {}),
    });
  }
  return {
    project: bad.project,
    name,
    stage: stage.name,
    bad: { version: bad.version, integrity: bad.integrity },
    ...(to === undefined ? {} : { to }),
    tag,
    ...(tags[tag] === undefined ? {} : { seen: tags[tag] }),
    tagStays: to === undefined || tags[tag] === to,
    deprecates: capabilities.deprecate,
    dependents: dependentsOf(state, stage.name, name, bad.version),
    cannot: capabilities.cannot,
    reason: options.reason ?? 'rolled back',
  };
}

/**
 * The version that this rollback asks for, where it was taken back before: by name, or the newest that entered the stage.
 * Without this a repeated command (after a crash, or because another package of the batch failed) would go back one more.
 */
function takenBack(
  state: LedgerState,
  stage: string,
  name: string,
  options: Pick<RollbackOptions, 'to' | 'version'>,
): { project: string; version: string } | undefined {
  const asked = options.version
    ? state.entered(stage, name, options.version)
    : state.history(stage, name).at(-1);
  if (!asked || state.standing(stage, name, asked.record.version)) return undefined;
  if (options.to === NONE) return asked.record;
  const now = state.position(stage, name)?.record.version;
  if (!options.version && (now === undefined || (options.to !== undefined && options.to !== now)))
    return undefined;
  return asked.record;
}

/** Versions that may be gone back to: of the same dist-tag, standing, not held; the last one in first. */
function goodVersions(state: LedgerState, stage: string, name: string, bad: string): string[] {
  const tag = distTagOf(bad, 'stable');
  const versions = state
    .history(stage, name)
    .map((entry) => entry.record.version)
    .filter((version) => version !== bad && distTagOf(version, 'stable') === tag)
    .filter((version) => state.standing(stage, name, version) && !state.hold(name, version));
  return [...new Set(versions.toReversed())];
}

/** What stands in the stage and states a range that this version satisfies. */
function dependentsOf(state: LedgerState, stage: string, name: string, version: string): string[] {
  return state.packages().flatMap((dependent) => {
    const here = state.position(stage, dependent)?.record;
    const range = here && state.published(dependent, here.version)?.record.dependencies[name]?.range;
    return here && range && semver.satisfies(version, range, { includePrerelease: true })
      ? [`${dependent}@${here.version}`]
      : [];
  });
}

interface Undoing {
  plan: RollbackPlan;
  store: StageStore;
  /** Filled on the way: the registry says no to the deprecation, and why. */
  refused?: SluiceError;
}

/** The registry's patience is the stage's: some serve copies of the old packument for a while. */
const rowsFor = (stage: Stage): Row<Undoing>[] => [
  {
    title: 'move the dist-tag back',
    waitsFor: 'tag moved back',
    when: ({ plan }) => plan.to !== undefined,
    run: async ({ plan, store }, signal) => {
      if (plan.to === undefined) return;
      const presence = await store.look(plan.name, signal);
      if (!presence.versions.has(plan.to)) {
        throw errors.VERSION_GONE({ name: plan.name, version: plan.to, stage: plan.stage });
      }
      const now = presence.tags[plan.tag];
      if (now === plan.to) return;
      if (now !== undefined && now !== plan.seen && now !== plan.bad.version) {
        throw errors.ROLLBACK_OVERTAKEN({ name: plan.name, tag: plan.tag, now, stage: plan.stage });
      }
      await store.setTag(plan.name, plan.tag, plan.to, signal);
    },
  },
  {
    title: 'wait until the tag is seen',
    reaches: ({ plan }) => (plan.to === undefined ? [] : ['tag moved back']),
    when: ({ plan }) => plan.to !== undefined,
    run: async ({ plan, store }, signal) => {
      if (plan.to === undefined) return;
      const now = (await store.look(plan.name, signal)).tags[plan.tag];
      if (now === plan.to) return;
      const { name, tag, to } = plan;
      throw errors.TAG_NOT_SEEN_YET({ name, tag, to, now, stage: plan.stage }, { transient: true });
    },
    retry: { attempts: 1_000, pause: 100, longest: 10_000, within: stage.visibleWithinMs },
  },
  {
    title: 'deprecate the bad version',
    reaches: 'deprecated',
    when: ({ plan }) => plan.deprecates,
    run: async (undoing, signal) => {
      const { plan, store } = undoing;
      const message = plan.to === undefined ? plan.reason : `${plan.reason}; use ${plan.name}@${plan.to}`;
      try {
        await store.deprecate(plan.name, plan.bad.version, message, signal);
      } catch (error) {
        // Users are safe already: the tag is back. What a registry will never do must not keep the digest from being held.
        if (!(error instanceof SluiceError) || error.transient) throw error;
        undoing.refused = error;
      }
    },
  },
];

/**
 * Takes packages back in a stage, dependents before their dependencies: the dist-tag first, since that is what users
 * install by; then the deprecation; then one record that also holds the digest. Safe to repeat.
 */
export async function rollback(
  context: Context,
  options: RollbackOptions,
): Promise<{ plans: RollbackPlan[]; results: PackageResult[] }> {
  const stage = await context.stage(options.stage, context.options.targets.rollback);
  const state = await (await context.ledger()).refresh();
  const store = await context.store(stage);
  const names = options.packages.map((name) => packageNamed(state, name));
  const before = names.flatMap((name) => {
    const taken = takenBack(state, stage.name, name, options);
    return taken ? [nothingLeft(name, taken, stage, state)] : [];
  });
  const left = names.filter((name) => !before.some((result) => result.name === name));
  const { presence, unknown } = await lookUp(store, left, options);
  const [unreachable] = unknown.values();
  if (unreachable) throw unreachable;
  const plans = inReverse(
    state,
    left.map((name) =>
      planRollback(state, stage, store.capabilities, name, options, presence.get(name)?.tags),
    ),
  );
  if (options.dryRun) {
    const planned = plans.map((plan): PackageResult => {
      const line = describe(plan, true);
      return { ...itemOf(plan), success: true, status: 'planned', reached: [], line };
    });
    return { plans, results: [...before, ...planned] };
  }
  const signer = await context.signer();
  const undoings = new Map(plans.map((plan): [string, Undoing] => [plan.name, { plan, store }]));
  const outcomes = await runRows({
    rows: rowsFor(stage),
    subjects: [...undoings].map(([id, context]) => ({
      id,
      after: context.plan.dependents
        .map((one) => one.slice(0, one.lastIndexOf('@')))
        .filter((name) => undoings.has(name)),
      context,
    })),
    ...(options.signal ? { signal: options.signal } : {}),
    ...(options.onEvent ? { onEvent: options.onEvent } : {}),
  });
  const done = [...undoings.values()].filter(({ plan }) => outcomes.get(plan.name)?.status === 'done');
  const problem = await record(context, signer, (newest) =>
    done
      .filter(({ plan }) => newest.standing(stage.name, plan.name, plan.bad.version))
      .flatMap((undoing) => recordsOf(undoing, stage, newest)),
  );
  const results = plans.map((plan): PackageResult => {
    const outcome = outcomes.get(plan.name);
    const item = itemOf(plan);
    const reached = outcome?.reached ?? [];
    if (outcome?.status === 'failed') return failure(item, outcome.error, reached);
    if (outcome?.status === 'blocked')
      return {
        ...failure(
          item,
          errors.ROLLBACK_BLOCKED({ name: plan.name, stage: stage.name, dependent: outcome.by }),
          reached,
        ),
        status: 'blocked',
      };
    if (outcome?.status !== 'done')
      return failure(item, errors.CANCELLED({ name: plan.name, reached }), reached);
    if (problem)
      return failure(
        item,
        errors.ROLLBACK_NOT_RECORDED(
          { name: plan.name, version: plan.bad.version, stage: stage.name, why: problem.message },
          { cause: problem },
        ),
        reached,
      );
    const refused = undoings.get(plan.name)?.refused;
    return { ...item, success: true, status: 'done', reached, line: describe(plan, false, refused) };
  });
  return { plans, results: [...before, ...results] };
}

function nothingLeft(
  name: string,
  { project, version }: { project: string; version: string },
  stage: Stage,
  state: LedgerState,
): PackageResult {
  const now = state.position(stage.name, name)?.record.version;
  const further = now === undefined ? '' : ` To go back further: --version ${now}`;
  const line = `${name}@${version} was taken back in ${stage.name} before: nothing to do.${further}`;
  return { project, name, version, success: true, status: 'nothing', reached: [], line };
}

const itemOf = (plan: RollbackPlan) => ({
  project: plan.project,
  name: plan.name,
  version: plan.bad.version,
});

function describe(plan: RollbackPlan, would: boolean, refused?: SluiceError): string {
  const moves = plan.tagStays
    ? `stays at ${plan.to ?? `${plan.seen}, since it has to point somewhere`}`
    : `${would ? 'would go' : 'went'} back from ${plan.bad.version} to ${plan.to}`;
  const lines = [
    `${plan.name}: ${plan.tag} in ${plan.stage} ${moves}`,
    `  ${plan.bad.version} ${would ? 'would be' : 'is'} ${plan.deprecates && !refused ? 'deprecated and ' : ''}held: nothing promotes it until npx sluice unhold ${plan.name} ${plan.bad.version} --reason "..."`,
    ...(plan.deprecates ? [] : ['  it is not deprecated: this kind of registry is not asked to']),
    ...(refused ? [`  it is not deprecated: ${refused.code}: ${refused.message}`] : []),
    ...(plan.dependents.length > 0 ? [`  promoted against it: ${plan.dependents.join(', ')}`] : []),
    ...plan.cannot.map((text) => `  ${text}`),
  ];
  return lines.join('\n');
}

function recordsOf({ plan, refused }: Undoing, stage: Stage, state: LedgerState): RecordBody[] {
  const common = {
    pipeline: 'packages' as const,
    stage: stage.name,
    registry: stage.identity,
    project: plan.project,
    name: plan.name,
    version: plan.bad.version,
    integrity: plan.bad.integrity,
    reason: plan.reason,
  };
  return [
    {
      ...common,
      type: 'rolled-back',
      tag: plan.tag,
      ...(plan.to === undefined ? {} : { to: plan.to }),
      deprecated: plan.deprecates && refused === undefined,
      dependents: plan.dependents,
    },
    ...(state.hold(plan.name, plan.bad.version) ? [] : [{ ...common, type: 'held' as const }]),
  ];
}

/** Dependents first. */
function inReverse(state: LedgerState, plans: RollbackPlan[]): RollbackPlan[] {
  const depth = (name: string, seen: string[] = []): number => {
    if (seen.includes(name)) return 0;
    const version = plans.find((plan) => plan.name === name)?.bad.version;
    const dependencies = version
      ? Object.keys(state.published(name, version)?.record.dependencies ?? {})
      : [];
    return dependencies.reduce(
      (most, dependency) => Math.max(most, 1 + depth(dependency, [...seen, name])),
      0,
    );
  };
  return plans.toSorted((a, b) => depth(b.name) - depth(a.name));
}

/** A package by its own or its project's name. Throws PACKAGE_UNKNOWN. */
function packageNamed(state: LedgerState, name: string): string {
  const known = state.packages();
  return (
    findNamed(state, known, name) ??
    fail(errors.PACKAGE_UNKNOWN({ name, known: known.map((one) => state.project(one) ?? one) }))
  );
}

/** Lets a held digest be promoted again. Throws UNHOLD_NOTHING, PACKAGE_UNKNOWN. */
export async function unhold(
  context: Context,
  given: { name: string; version: string; reason: string },
): Promise<string> {
  if (given.reason.trim() === '')
    throw errors.REASON_MISSING({ command: `unhold ${given.name} ${given.version}` });
  const ledger = await context.ledger();
  const state = await ledger.refresh();
  const name = findNamed(state, state.services(), given.name) ?? packageNamed(state, given.name);
  const held = state.hold(name, given.version)?.record;
  if (!held) throw errors.UNHOLD_NOTHING({ name, version: given.version });
  const signer = await context.signer();
  const { pipeline, stage, registry, project, version, integrity } = held;
  const body: RecordBody = {
    type: 'released',
    pipeline,
    stage,
    registry,
    project,
    name,
    version,
    integrity,
    reason: given.reason,
  };
  const problem = await record(context, signer, (newest) => (newest.hold(name, version) ? [body] : []));
  if (problem) throw problem;
  return `${name}@${version} may be promoted again`;
}
