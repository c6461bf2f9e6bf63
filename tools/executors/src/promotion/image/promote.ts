import { errors } from '../../foundation/index.ts';
import type { LedgerState, RecordBody } from '../../ledger/types.ts';
import type { ServiceStage } from '../../service/types.ts';
import { runRows, type Row } from '../../steps/index.ts';
import { copyImage, type CopyReport, type OciRepository } from '../../registry/oci/index.ts';
import { failure, limitsOf, resultOf, type PackageResult } from '../carry.ts';
import type { Context } from '../context.ts';
import { judge } from '../judge.ts';
import type { PromoteOptions } from '../promote.ts';
import { openProofs } from '../provenance.ts';
import { record, sendKept } from '../recording.ts';
import { plannedResult, settledEarly } from '../settled-early.ts';
import type { PlanItem, PromotionPlan } from '../types.ts';
import { lookUpTags } from './look-up.ts';
import { assembleImagePlan, repositoryOf, stands } from './plan.ts';
import { settleImageTags } from './settle.ts';

interface Planned {
  plan: PromotionPlan;
  stage: ServiceStage;
  state: LedgerState;
}

/** Everything that a dry run prints, an approval signs, and `promoteImages` carries out. Reads only. */
export async function planImages(context: Context, options: PromoteOptions): Promise<Planned> {
  const { targets } = context.options;
  const [stage, policy, ledger] = await Promise.all([
    context.serviceStage(options.stage, targets.promote),
    context.policy(),
    context.ledger().then(async (opened) => {
      await opened.refresh();
      return opened;
    }),
  ]);
  const state = await ledger.state();
  const requests =
    options.requests ?? state.services().map((name) => ({ name, project: state.project(name) ?? name }));
  const { there, unknown } = await lookUpTags(context, { stage, state, requests }, options);
  const plan = assembleImagePlan({
    repository: context.identity,
    stage,
    requests,
    state,
    there,
    unknown,
    policy: policy.commit,
    targets,
  });
  const before = (await context.services())?.stages[stage.index - 1] ?? { name: stage.before };
  await judge(context, { plan, stage, before, policy, state, ledger });
  return { plan, stage, state };
}

/**
 * Moves services into a stage by digest: copies what its registry misses, sets the stage's tags, reads back. What was
 * reached is kept, and a re-run continues there. Never throws for one service's failure; one ledger commit records all.
 */
export async function promoteImages(
  context: Context,
  options: PromoteOptions,
): Promise<{ plan: PromotionPlan; results: PackageResult[] }> {
  const planned = await planImages(context, options);
  const { plan } = planned;
  const results = new Map<string, PackageResult>();
  const settle = (result: PackageResult): void => {
    results.set(result.name, result);
    options.onResult?.(result);
  };
  const moving: PlanItem[] = [];
  for (const item of plan.items) {
    const early = options.dryRun ? plannedResult(item, plan) : settledEarly(item, plan, results);
    if (early) settle(early);
    else moving.push(item);
  }
  if (moving.length > 0) await moveAll(context, planned, moving, options, settle);
  else if (!options.dryRun) await sendKept(context);
  return { plan, results: plan.items.flatMap((item) => results.get(item.name) ?? []) };
}

async function moveAll(
  context: Context,
  planned: Planned,
  moving: PlanItem[],
  options: PromoteOptions,
  settle: (result: PackageResult) => void,
): Promise<void> {
  const { stage, state } = planned;
  // Without a signature nothing may be recorded, and what cannot be recorded must not be moved.
  const signer = await context.signer();
  const [source, target] = await Promise.all([context.images(stage.before), context.images(stage.name)]);
  const proofs = openProofs(context);
  const outcomes = await runRows({
    rows: imageRows,
    subjects: moving.map((item) => ({
      id: item.name,
      after: [],
      context: {
        item,
        source: source.of(repositoryOf(state, item)),
        target: target.of(repositoryOf(state, item)),
        prove: async () => {
          const published = state.published(item.name, item.version);
          if (published) await proofs.onward(published);
        },
      },
    })),
    ...limitsOf(options),
    ...(options.onEvent ? { onEvent: options.onEvent } : {}),
  });
  const done = moving.filter((item) => outcomes.get(item.name)?.status === 'done');
  const problem = await record(context, signer, (newest) =>
    done.filter((item) => !stands(newest, stage.name, item)).map((item) => promotedRecord(item, planned)),
  );
  const unsettled = problem
    ? new Map<string, never>()
    : await settleImageTags(context, stage, done, { since: state.count });
  for (const item of moving) {
    const outcome = outcomes.get(item.name);
    if (!outcome) continue;
    if (outcome.status === 'done' && problem) {
      const why = { names: [item.name], stage: stage.name, why: problem.message };
      settle(failure(item, errors.NOT_RECORDED(why, { cause: problem }), outcome.reached));
    } else if (unsettled.has(item.name)) settle(failure(item, unsettled.get(item.name), outcome.reached));
    else settle(resultOf(item, outcome, stage.name));
  }
}

interface ImagePassage {
  item: PlanItem;
  source: OciRepository;
  target: OciRepository;
  prove: () => Promise<void>;
  report?: CopyReport;
}

/** The way of one service into a stage. Whoever asks by tag gets what is whole: blobs come first, then manifests, then tags. */
const imageRows: Row<ImagePassage>[] = [
  { title: 'prove where it comes from', run: async ({ prove }) => prove() },
  {
    title: 'copy what is missing, then set the tags',
    reaches: 'accepted',
    run: async (passage, signal) => {
      const { item, source, target } = passage;
      const tags = item.tags ?? [];
      passage.report = await copyImage({
        source,
        target,
        digest: item.integrity,
        tags: tags.map(({ tag }) => tag),
        moves: (tag) => tags.some((one) => one.tag === tag && one.moves),
        signal,
      });
    },
    timeout: 3_600_000,
  },
  {
    title: 'read back and compare',
    reaches: () => ['visible', 'verified', 'tagged'],
    // Inside one repository the tags were read back, and there is nothing else.
    when: ({ source, target }) => source.host !== target.host || source.name !== target.name,
    run: async ({ item, target }, signal) => {
      const there = await target.manifest(item.integrity, signal);
      if (there) return;
      const { host: registry, name: repository } = target;
      throw errors.IMAGE_NOT_FOUND({ registry, repository, reference: item.integrity }, { transient: true });
    },
  },
];

function promotedRecord(item: PlanItem, { plan, stage }: Planned): RecordBody {
  return {
    type: 'promoted',
    pipeline: 'services',
    stage: stage.name,
    registry: stage.identity,
    project: item.project,
    name: item.name,
    version: item.version,
    integrity: item.integrity,
    from: stage.before,
    tag: item.tag,
    tags: (item.tags ?? []).map(({ tag }) => tag),
    ...(item.previous === undefined || item.previous === item.version ? {} : { previous: item.previous }),
    verified: 'bytes',
    planHash: plan.hash,
    policy: item.gate?.policy ?? plan.policy,
    approvals: item.gate?.approvals ?? [],
    gate: (item.gate?.results ?? []).map(({ condition, detail }) => ({ condition, detail })),
    ...(item.gate?.environment ? { environment: item.gate.environment } : {}),
  };
}
