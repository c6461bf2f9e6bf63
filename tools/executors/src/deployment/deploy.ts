import { asSluiceError, errors, EXIT, SluiceError } from '../foundation/index.ts';
import { runRows, type StepEvent } from '../steps/index.ts';
import { conclude } from './conclude.ts';
import { describeDone, describePlan, remoteCommands, warning } from './describe.ts';
import { tell } from './notify.ts';
import type { Deployment } from './passage.ts';
import type { DeployRequest } from './plan.ts';
import { closeMembers, planDeployment, type PrepareOptions } from './prepare.ts';
import { belatedRecords, deployedRecord, notRecorded } from './records.ts';
import { failure, type DeploymentResult } from './results.ts';
import { deployRows } from './rows.ts';
import type { DeploymentContext, DeploymentPlan } from './types.ts';

export interface DeployOptions extends PrepareOptions {
  /** With the projects of the same run that have to serve first. */
  requests: (DeployRequest & { after?: string[] })[];
  dryRun?: boolean;
  /** All services of the run are deployed, or none. */
  together?: boolean;
  onEvent?: (event: StepEvent) => void;
  /** What a person has to know before it starts. */
  onNote?: (project: string, note: string) => void;
  /** Called as soon as a service's fate is known. */
  onResult?: (result: DeploymentResult) => void;
}
type Settle = (result: DeploymentResult) => void;
type Results = ReadonlyMap<string, DeploymentResult>;

/** Deploys services to an environment, dependencies first. Never throws for one service's failure. */
export async function deploy(
  context: DeploymentContext,
  options: DeployOptions,
): Promise<{ plans: DeploymentPlan[]; results: DeploymentResult[] }> {
  const results = new Map<string, DeploymentResult>();
  const settle: Settle = (result) => {
    results.set(result.project, result);
    options.onResult?.(result);
  };
  const planned = await planAll(context, options, settle);
  try {
    for (const passage of planned) {
      const early = settledEarly(passage, options.dryRun ?? false);
      if (early) settle(options.dryRun ? early : await recordedEarly(context, passage, early));
    }
    if (!options.dryRun) {
      settleBlocked(options, results, settle);
      const moving = planned.filter(({ plan }) => !results.has(plan.project));
      if (moving.length > 0) await carry(context, moving, options, settle);
    }
  } finally {
    await Promise.all(planned.map(({ members }) => closeMembers(members)));
  }
  return {
    plans: planned.map(({ plan }) => plan),
    results: options.requests.flatMap(({ project }) => results.get(project) ?? []),
  };
}

async function planAll(
  context: DeploymentContext,
  options: DeployOptions,
  settle: Settle,
): Promise<Deployment[]> {
  const planned = await Promise.all(
    options.requests.map(async (request) => {
      try {
        return await planDeployment(context, request, options);
      } catch (thrown) {
        const { project, name, version = '' } = request;
        const stopped = options.signal?.aborted;
        const error = stopped
          ? errors.DEPLOY_STOPPED({ project, stage: options.stage.name, step: 'plan' })
          : thrown;
        settle(failure({ project, name, version }, error, { outcome: 'unchanged' }));
        return undefined;
      }
    }),
  );
  return planned.filter((passage) => passage !== undefined);
}

const subjectOf = ({ plan: { project, release } }: Deployment) => ({
  project,
  name: release.name,
  version: release.version,
});

/** The result of what is not going to be deployed; undefined where it is. */
function settledEarly(passage: Deployment, dryRun: boolean): DeploymentResult | undefined {
  const { plan } = passage;
  const subject = subjectOf(passage);
  if (plan.problem) {
    const error = new SluiceError(plan.problem.code, EXIT.gateClosed, plan.problem);
    return failure(subject, error, { outcome: 'unchanged' });
  }
  if (plan.action === 'nothing') {
    const line = `${plan.project} ${subject.version} serves in ${plan.stage} already, with the same configuration: nothing to do (--force deploys it again)`;
    return { ...subject, success: true, status: 'nothing', reached: [], line, outcome: 'nothing' };
  }
  if (!dryRun) return undefined;
  const [line, commands] = [describePlan(passage), remoteCommands(passage)];
  return { ...subject, success: true, status: 'planned', reached: [], line, commands };
}

/** Nothing is to be done on the hosts; in the ledger there may be. */
async function recordedEarly(
  context: DeploymentContext,
  passage: Deployment,
  early: DeploymentResult,
): Promise<DeploymentResult> {
  const { unrecorded } = passage;
  if (!unrecorded) return early;
  let problem: SluiceError | undefined;
  try {
    problem = await context.records.write((state) => belatedRecords(passage, unrecorded, state));
  } catch (thrown) {
    problem = asSluiceError(thrown);
  }
  if (problem) return failure(subjectOf(passage), notRecorded(passage, problem, unrecorded.release));
  return {
    ...early,
    line: `${early.line}\n  the ledger did not know of it, and does now: ${unrecorded.release}`,
  };
}

/** Where something cannot even begin, nothing begins that depends on it; together, nothing at all. */
function settleBlocked(options: DeployOptions, results: Results, settle: Settle): void {
  for (let found = true; found;) {
    found = false;
    for (const { project, name, version = '', after = [] } of options.requests) {
      if (results.has(project)) continue;
      const others = options.together ? options.requests.map((request) => request.project) : after;
      const by = others.find((other) => results.get(other)?.success === false);
      if (by === undefined) continue;
      const error = errors.DEPLOY_TOGETHER({ project, stage: options.stage.name, by });
      settle({ ...failure({ project, name, version }, error, { outcome: 'unchanged' }), status: 'blocked' });
      found = true;
    }
  }
}

async function carry(
  context: DeploymentContext,
  moving: Deployment[],
  options: DeployOptions,
  settle: Settle,
): Promise<void> {
  try {
    await context.records.ready();
  } catch (error) {
    for (const passage of moving) settle(failure(subjectOf(passage), error, { outcome: 'unchanged' }));
    return;
  }
  const { together = false } = options;
  const stop = new AbortController();
  let first: string | undefined;
  const stopOthers = (passage: Deployment): void => {
    if (!together || passage.baked || first !== undefined) return;
    first = passage.plan.project;
    stop.abort(new Error(`${first} failed`));
  };
  for (const passage of moving) {
    passage.onUndo = () => stopOthers(passage);
    passage.record = () => recordDeployed(context, passage);
    const { blocksRollback, project } = passage.plan;
    if (blocksRollback !== undefined) options.onNote?.(project, warning(blocksRollback));
  }
  const byProject = new Map(moving.map((passage) => [passage.plan.project, passage]));
  await Promise.all(moving.map((passage) => tell(context, passage, 'started')));
  const finished: Promise<void>[] = [];
  await runRows<Deployment>({
    rows: deployRows({
      waves: Math.max(...moving.flatMap(({ plan }) => plan.hosts.map(({ wave }) => wave + 1))),
      canary: moving.some(({ plan }) => plan.canary !== undefined),
      together,
    }),
    subjects: [...byProject].map(([id, passage]) => ({
      id,
      after: options.requests.find(({ project }) => project === id)?.after ?? [],
      context: passage,
    })),
    signal: options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal,
    ...(context.sleep
      ? { clock: { now: () => performance.now(), random: () => 0, sleep: context.sleep } }
      : {}),
    onEvent: (event) => {
      options.onEvent?.(event);
      const passage = event.event === 'ended' ? byProject.get(event.subject) : undefined;
      if (event.event !== 'ended' || !passage) return;
      if (event.outcome.status === 'failed') stopOthers(passage);
      finished.push(
        conclude(context, passage, event.outcome, {
          line: () => describeDone(passage),
          succeeded: () => tell(context, passage, 'succeeded', { outcome: 'deployed' }),
          by: first === event.subject ? undefined : first,
        }).then(settle),
      );
    },
  });
  await Promise.all(finished);
}

async function recordDeployed(context: DeploymentContext, passage: Deployment): Promise<void> {
  const problem = await context.records.write(() => [deployedRecord(passage)]);
  if (problem) throw notRecorded(passage, problem);
}
