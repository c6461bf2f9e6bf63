import { errors, type SluiceError } from '../foundation/index.ts';
import { runRows, type Row } from '../steps/index.ts';
import type { StageStore, StagedVersion } from '../registry/types.ts';
import type { Stage } from '../pipeline/types.ts';
import { approve, parsedDuration, waiting, type Approved, type ApproveOptions } from './approve.ts';
import { failure, limitsOf, type EngineOptions, type PackageResult } from './carry.ts';
import type { Context } from './context.ts';
import { planPromotion, promote } from './promote.ts';
import { compareStaged, findStaged, waitForApproval, type InStage } from './staged-rows.ts';
import type { PlanItem } from './types.ts';

/** How long a session waits for each approval, unless it is said. */
export const APPROVAL_WAIT = '15m';

/** @throws DURATION_INVALID */
export const waitMs = (said = APPROVAL_WAIT): number => parsedDuration(said);

export interface SessionOptions extends Pick<ApproveOptions, 'stage' | 'requests' | 'dryRun'>, EngineOptions {
  /** How long to wait for the approval of each package, once those that it needs are approved. */
  waitMs: number;
  /** What the person is to see while it lasts. */
  say: (line: string) => void;
}

/** What became of what was staged. */
export interface Session {
  /** In graph order; `command` is what approves it, undefined where it was approved already. */
  staged: { id: string; command?: string }[];
  results: PackageResult[];
}

/** The signed approval where there was one to sign, and the session in the registry where there was one. */
export interface Approvals {
  approved?: Approved;
  session?: Session;
}

/** For scripts: the fields of the approval, and the session beside them. */
export const asData = ({ approved, session }: Approvals): object => ({
  ...approved,
  ...(session ? { session } : {}),
});

interface Waiting {
  item: PlanItem;
  staged: StagedVersion | undefined;
}

/**
 * All approvals of a stage: the signed one where its gate asks for it, then those in the registry itself, where the stage
 * publishes in two steps.
 */
export async function approveAll(
  context: Context,
  options: ApproveOptions & SessionOptions,
): Promise<Approvals> {
  const stage = context.options.packages.stages.some(({ name }) => name === options.stage)
    ? await context.stage(options.stage, context.options.targets.approve)
    : undefined;
  if (!stage?.staged) return { approved: await approve(context, options) };
  const { plan } = await planPromotion(context, options);
  if (waiting(plan).length === 0) return { approved: await approve(context, options) };
  const asks = waiting(plan).some((item) =>
    item.gate?.results.some(({ condition, open }) => condition === 'approvals' && !open),
  );
  if (!asks) return { session: await approveStaged(context, stage, options) };
  const approved = await approve(context, options);
  // Nothing is staged before the gate opened.
  const session = await approveStaged(context, stage, options).catch((error: SluiceError) => {
    if (error.code !== 'STAGED_NOTHING') throw error;
  });
  return session ? { approved, session } : { approved };
}

/**
 * One session for everything that is staged: compares the bytes, shows what to type in graph order, waits for each, and
 * brings what was approved to its end (tags and records). What nobody approved in time stays staged for the next session.
 * @throws STAGED_NOTHING, STAGED_OTHER_BYTES before anything is shown for approval
 */
async function approveStaged(context: Context, stage: Stage, options: SessionOptions): Promise<Session> {
  const { say } = options;
  const { plan, target } = await planPromotion(context, options);
  const store = await context.store(stage);
  const isThere = ({ name, version }: PlanItem) => target.get(name)?.versions.has(version) === true;
  const all: Waiting[] = [];
  for (const item of waiting(plan)) {
    const subject = { ...item, target: store, stage };
    const staged = isThere(item) ? undefined : await findStaged(subject);
    if (staged) await compareStaged(subject, staged);
    if (staged || isThere(item)) all.push({ item, staged });
  }
  if (all.length === 0)
    throw errors.STAGED_NOTHING({ stage: stage.name, names: waiting(plan).map(({ name }) => name) });

  const commandOf = ({ staged }: Waiting) => (staged ? store.staging?.command('approve', staged) : undefined);
  const session: Session = {
    staged: all.map((one) => {
      const command = commandOf(one);
      return { id: idOf(one.item), ...(command ? { command } : {}) };
    }),
    results: [],
  };
  for (const { id, command } of session.staged)
    say(`${id}: ${command ? `staged with the right bytes; to approve: ${command}` : 'approved already'}`);
  if (options.dryRun) return session;

  const problems = await waitForAll(all, stage, store, options, commandOf);
  const approved = all.filter(({ item }) => !problems.has(item.name));
  if (approved.length > 0) {
    const requests = approved.map(({ item: { project, name, version } }) => ({ project, name, version }));
    session.results.push(
      ...(await promote(context, { ...limitsOf(options), ...toldBy(options), stage: stage.name, requests }))
        .results,
    );
  }
  for (const { item } of all) {
    const problem = problems.get(item.name);
    if (problem) session.results.push(failure(item, problem));
  }
  return session;
}

const toldBy = ({ onEvent }: EngineOptions) => (onEvent ? { onEvent } : {});
const idOf = ({ name, version }: PlanItem) => `${name}@${version}`;

/** Waits for each as soon as those that it needs can be installed. Returns what did not come, by package. */
async function waitForAll(
  all: Waiting[],
  stage: Stage,
  store: StageStore,
  options: SessionOptions,
  commandOf: (one: Waiting) => string | undefined,
): Promise<Map<string, SluiceError>> {
  const rows: Row<InStage & { one: Waiting }>[] = [
    {
      title: 'show what to type',
      waitsFor: 'visible',
      when: ({ one }) => one.staged !== undefined,
      run: async ({ one }) => options.say(`now: ${commandOf(one)}   (${idOf(one.item)})`),
    },
    waitForApproval(options.waitMs),
  ];
  const outcomes = await runRows({
    rows,
    subjects: all.map((one) => ({
      id: one.item.name,
      after: one.item.after,
      context: {
        ...one.item,
        one,
        stage,
        target: store,
        presence: undefined,
        lookedAt: 0,
        comparedStaged: one.staged !== undefined,
      },
    })),
    ...limitsOf(options),
    ...toldBy(options),
  });
  const problems = new Map<string, SluiceError>();
  for (const { item } of all) {
    const outcome = outcomes.get(item.name);
    if (outcome?.status === 'failed') problems.set(item.name, outcome.error);
    // Those that wait for another one's approval wait for their own, too.
    else if (outcome?.status !== 'done')
      problems.set(
        item.name,
        errors.STAGED_WAITING({ name: item.name, version: item.version, stage: stage.name, compared: true }),
      );
  }
  return problems;
}
