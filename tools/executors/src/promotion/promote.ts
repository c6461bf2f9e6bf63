import semver from 'semver';
import { installAndImport } from '../registry/index.ts';
import { errors, SluiceError } from '../foundation/index.ts';
import type { LedgerState, RecordBody } from '../ledger/types.ts';
import type { Stage } from '../pipeline/types.ts';
import type { Presence, StageStore } from '../registry/types.ts';
import {
  carry,
  failure,
  lookUp,
  resultOf,
  runBudget,
  type EngineOptions,
  type PackageResult,
} from './carry.ts';
import type { Context } from './context.ts';
import { judge } from './judge.ts';
import { assemblePlan, namesToLookUp, type Request } from './plan.ts';
import { openProofs, sayNote } from './provenance.ts';
import { record, sendKept } from './recording.ts';
import type { Passage } from './rows.ts';
import { plannedResult, settledEarly } from './settled-early.ts';
import { settleTags } from './settle-tags.ts';
import type { PlanItem, PromotionPlan } from './types.ts';

export interface PromoteOptions extends EngineOptions {
  stage: string;
  /** Without it, every package that the stage before knows. */
  requests?: Request[];
  /** Lets `latest` move to a lower version. */
  backwards?: boolean;
  dryRun?: boolean;
  /** Called as soon as a package's fate is known; the record follows at the end. */
  onResult?: (result: PackageResult) => void;
}

interface Planned {
  plan: PromotionPlan;
  stage: Stage;
  before: Stage;
  state: LedgerState;
  target: Map<string, Presence>;
}

/** Everything that a dry run prints, an approval signs, and `promote` carries out. Reads only. */
export async function planPromotion(context: Context, options: PromoteOptions): Promise<Planned> {
  // Three things that wait for git and for files; side by side they take as long as the longest.
  const [stage, policy, ledger] = await Promise.all([
    context.stage(options.stage, context.options.targets.promote),
    context.policy(),
    context.ledger().then(async (opened) => {
      await opened.refresh();
      return opened;
    }),
  ]);
  const before = (await context.stages())[stage.index - 1];
  if (!before)
    throw errors.FIRST_STAGE({ stage: stage.name, publish: context.options.targets['publish-registry'] });
  const state = await ledger.state();
  const requests =
    options.requests ?? state.packages().map((name) => ({ name, project: state.project(name) ?? name }));
  // Found while the registry is asked; who needs it awaits it.
  if (!options.dryRun && requests.some(({ name }) => isBehind(state, stage, before, name))) {
    context.signer().catch(() => undefined);
  }
  const names = namesToLookUp(state, before.name, requests);
  const { presence, unknown } = await lookUp(await context.store(stage), names, options);
  const plan = assemblePlan({
    repository: context.identity,
    stage,
    before,
    requests,
    state,
    target: presence,
    unknown,
    policy: policy.commit,
    ...(options.backwards ? { backwards: true } : {}),
    targets: context.options.targets,
  });
  await judge(context, { plan, stage, before, policy, state, ledger });
  return { plan, stage, before, state, target: presence };
}

function isBehind(state: LedgerState, stage: Stage, before: Stage, name: string): boolean {
  const waiting = state.position(before.name, name)?.record;
  return waiting !== undefined && state.standing(stage.name, name, waiting.version) === undefined;
}

/**
 * Moves packages into a stage, each as far as it can go; what was reached is kept, and a re-run continues there.
 * Never throws for one package's failure. One ledger commit records all that reached their tag.
 */
export async function promote(
  context: Context,
  options: PromoteOptions,
): Promise<{ plan: PromotionPlan; results: PackageResult[] }> {
  const planned = await planPromotion(context, options);
  const { plan, stage } = planned;
  const results = new Map<string, PackageResult>();
  const settle = (result: PackageResult): void => {
    results.set(result.name, result);
    options.onResult?.(result);
  };
  const moving: PlanItem[] = [];
  for (const item of plan.items) {
    const early = options.dryRun ? plannedResult(item, plan) : settledEarly(item, plan, results);
    if (early) settle(early);
    else if (item.action === 'promote') moving.push(item);
  }
  if (moving.length > 0) {
    // Without a signature nothing may be recorded, and what cannot be recorded must not be moved.
    const signer = await context.signer();
    const since = planned.state.count;
    const passages = await passagesOf(context, planned, moving, options);
    const outcomes = await carry(stage, passages, options);
    const done = moving.filter((item) => outcomes.get(item.name)?.status === 'done');
    const problem = await record(context, signer, (state) =>
      done
        .filter((item) => !recorded(state, stage, item) || wentBack(state, stage, item, options))
        .map((item) => promotedRecord(item, planned)),
    );
    const unsettled = await settleTags(
      stage,
      await context.store(stage),
      options.backwards ? [] : done.filter((item) => item.movesTag),
      await (await context.ledger()).state(),
      since,
    );
    for (const item of moving) {
      const outcome = outcomes.get(item.name);
      if (!outcome) continue;
      const result = resultOf(item, outcome, stage.name);
      if (outcome.status === 'done' && problem) {
        const why = errors.NOT_RECORDED(
          { names: [item.name], stage: stage.name, why: problem.message },
          { cause: problem },
        );
        settle(failure(item, why, outcome.reached));
      } else settle(unsettled.has(item.name) ? failure(item, unsettled.get(item.name)) : result);
    }
  } else if (!options.dryRun) await sendKept(context);
  return { plan, results: plan.items.flatMap((item) => results.get(item.name) ?? []) };
}

const recorded = (state: LedgerState, stage: Stage, item: PlanItem) =>
  state.standing(stage.name, item.name, item.version)?.record.integrity === item.integrity;

/** A tag that a person moved back to a version which entered before: that is a new fact, and the stage stands there now. */
const wentBack = (state: LedgerState, stage: Stage, item: PlanItem, { backwards }: PromoteOptions) =>
  backwards === true &&
  item.previous !== undefined &&
  semver.lt(item.version, item.previous) &&
  state.position(stage.name, item.name)?.record.version !== item.version;

async function passagesOf(
  context: Context,
  planned: Planned,
  items: PlanItem[],
  options: PromoteOptions,
): Promise<{ passage: Passage; after: string[] }[]> {
  const { stage, before, state, target } = planned;
  const [store, source] = [await context.store(stage), await context.store(before)];
  const hold = runBudget();
  const proofs = openProofs(context);
  const scopes = [
    ...new Set(state.packages().flatMap((name) => (name.startsWith('@') ? [name.split('/')[0] ?? ''] : []))),
  ];
  const client = stage.verify === 'install' ? (await context.client()).flat : {};
  return items.map((item) => ({
    after: item.after,
    passage: {
      name: item.name,
      version: item.version,
      integrity: item.integrity,
      shasum: state.published(item.name, item.version)?.record.shasum ?? '',
      size: item.size,
      tag: item.tag,
      movesTag: item.movesTag,
      backwards: options.backwards ?? false,
      stage,
      target: store,
      presence: target.get(item.name),
      lookedAt: performance.now(),
      hold,
      tagAtPut: !store.capabilities.distTags && item.movesTag,
      mayServeOthers: false,
      note: sayNote,
      prove: async () => {
        const published = state.published(item.name, item.version);
        const proved = published && (await proofs.onward(published));
        return proved && { ...proved, attested: published?.record.provenance?.attested === true };
      },
      comesBack:
        state.entered(stage.name, item.name, item.version) !== undefined &&
        state.standing(stage.name, item.name, item.version) === undefined,
      source: (signal) => fetchFrom(context, source, before, item, state, signal),
      install:
        stage.verify === 'install'
          ? async (signal) =>
              void (await installAndImport({ ...item, stage, store, scopes, clientOptions: client, signal }))
          : undefined,
    },
  }));
}

/** The bytes from the stage before, compared with what the ledger says entered it. */
async function fetchFrom(
  context: Context,
  source: StageStore,
  before: Stage,
  item: PlanItem,
  state: LedgerState,
  signal: AbortSignal,
) {
  const { name, version, integrity } = item;
  if (state.published(name, version)?.record.serves !== undefined && before.index === 0) {
    const kept = await context.contentStore()?.get(integrity);
    if (!kept) throw errors.STORE_MISSES({ name, version, integrity });
    return kept;
  }
  const bytes = await source.fetch(name, version, undefined, signal).catch((error: unknown) => {
    const gone = error instanceof SluiceError && error.code === 'VERSION_NOT_IN_STAGE' && !error.transient;
    throw gone ? errors.VERSION_GONE({ name, version, stage: before.name }, { cause: error }) : error;
  });
  if (bytes.integrity !== integrity) {
    await bytes.dispose();
    throw errors.BYTES_CHANGED_IN_SOURCE({
      name,
      version,
      stage: before.name,
      expected: integrity,
      found: bytes.integrity,
    });
  }
  return bytes;
}

function promotedRecord(item: PlanItem, { plan, stage, before }: Planned): RecordBody {
  return {
    type: 'promoted',
    pipeline: 'packages',
    stage: stage.name,
    registry: stage.identity,
    project: item.project,
    name: item.name,
    version: item.version,
    integrity: item.integrity,
    from: before.name,
    tag: item.tag,
    ...(item.previous === undefined || item.previous === item.version ? {} : { previous: item.previous }),
    verified: stage.verify,
    planHash: plan.hash,
    policy: item.gate?.policy ?? plan.policy,
    approvals: item.gate?.approvals ?? [],
    gate: (item.gate?.results ?? []).map(({ condition, detail }) => ({ condition, detail })),
    ...(item.gate?.environment ? { environment: item.gate.environment } : {}),
  };
}
