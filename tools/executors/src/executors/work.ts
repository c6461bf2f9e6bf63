import { join } from 'node:path';
import { errors } from '../foundation/index.ts';
import type { Kind } from '../promotion/kinds/index.ts';
import { kindOf } from '../promotion/kinds/index.ts';
import { IMAGES } from '../service/types.ts';
import { pipelineOf, stagesOf } from '../pipeline/index.ts';
import type { PackageResult } from '../promotion/carry.ts';
import type { Context } from '../promotion/context.ts';
import { rollback } from '../promotion/rollback.ts';
import type { CommonOptions, Settle, Task, Work } from './door.ts';
import { tellPromotion, tellRollback } from './notifier.ts';
import { buildAfresh, foretold, partReleased, type VersionData } from './release-step.ts';

export interface PublishExecutorOptions extends CommonOptions {
  stage?: string;
  artifacts?: string;
  allowDirty?: boolean;
  gitTag?: boolean;
  nxReleaseVersionData?: VersionData;
}
export interface PromoteExecutorOptions extends CommonOptions {
  stage?: string;
  version?: string;
  allowTagBackwards?: boolean;
}
export interface RollbackExecutorOptions extends CommonOptions {
  stage?: string;
  to?: string;
  version?: string;
  reason?: string;
}

export const publishTasks: Work<PublishExecutorOptions> = async (context, tasks, how) => {
  const parts = [
    await publishServices(context, ofPipeline(tasks, 'services'), how),
    await publishPackages(context, ofPipeline(tasks, 'packages'), how),
  ];
  const results = parts.flat();
  return { data: { schemaVersion: 1, results }, results };
};

type How = Parameters<Work<CommonOptions>>[2];

const ofPipeline = <O>(tasks: Task<O>[], pipeline: Kind['pipeline']): Task<O>[] =>
  tasks.filter((task) => task.pipeline === pipeline);

async function publishPackages(
  context: Context,
  tasks: Task<PublishExecutorOptions>[],
  how: How,
): Promise<PackageResult[]> {
  const [first] = tasks;
  if (!first) return [];
  const release = first.target === 'nx-release-publish';
  const dryRun = isDryRun(first);
  const moving = firstStageTasks(context, tasks, how.settle);
  const unsaid = release && dryRun ? moving.filter((task) => !foretold(task, context, how.settle)) : moving;
  const { open, released } = release
    ? await partReleased(unsaid, context, how.settle)
    : { open: unsaid, released: [] };
  if (release && !dryRun) {
    const { build } = context.options.targets;
    await buildAfresh(
      context.workspaceRoot,
      build,
      open.map((task) => task.project),
    );
  }
  if (open.length + released.length === 0) return [];
  const { results } = await kindOf('packages').publish(context, {
    ...publishOptions(context, open, how),
    released,
    dryRun,
    allowDirty: first.options.allowDirty ?? false,
    gitTag: first.options.gitTag ?? (release || context.profile === 'live'),
  });
  return results;
}

async function publishServices(
  context: Context,
  tasks: Task<PublishExecutorOptions>[],
  how: How,
): Promise<PackageResult[]> {
  const moving = firstStageTasks(context, tasks, how.settle);
  const [first] = moving;
  if (!first) return [];
  if (!context.options.services) throw errors.SERVICES_NOT_CONFIGURED({ project: first.project });
  const { results } = await kindOf('services').publish(context, {
    ...publishOptions(context, moving, how),
    dryRun: isDryRun(first),
    allowDirty: first.options.allowDirty ?? false,
  });
  return results;
}

const isDryRun = ({ options }: Task<PublishExecutorOptions>): boolean =>
  options.dryRun === true || process.env['NX_DRY_RUN'] === 'true';

function publishOptions(context: Context, tasks: Task<PublishExecutorOptions>[], how: How) {
  const folder = tasks[0]?.options.artifacts ?? 'dist/artifacts';
  return {
    requests: tasks.map(({ project, root }) => ({
      project,
      root,
      artifact: join(context.workspaceRoot, folder, project),
    })),
    signal: how.signal,
    onEvent: how.onEvent,
    onResult: how.settle,
  };
}

/** Publishing goes before the promotions alone; a later stage as configuration is a mistake, another pipeline's stage no work. */
function firstStageTasks(
  context: Context,
  tasks: Task<PublishExecutorOptions>[],
  settle: Settle,
): Task<PublishExecutorOptions>[] {
  const first = context.options.packages.stages[0]?.name ?? '';
  return tasks.filter((task) => {
    const { stage } = task.options;
    if (stage === undefined || (task.pipeline === 'packages' && stage === first)) return true;
    if (pipelineOf(context.options, stage, task.target) === task.pipeline) {
      throw errors.NOT_FIRST_STAGE({
        stage,
        first: task.pipeline === 'packages' ? first : IMAGES,
        promote: context.options.targets.promote,
        project: task.project,
      });
    }
    settle(notForThisKind(task, stage), stage);
    return false;
  });
}

function notForThisKind(task: Task<CommonOptions>, stage: string): PackageResult {
  const line =
    task.pipeline === 'packages'
      ? `${stage} is a stage for services, and ${task.project} is a package: nothing to do`
      : `${stage} is a stage for packages, and ${task.project} is a service: nothing to do`;
  return {
    project: task.project,
    name: task.name,
    version: '',
    success: true,
    status: 'nothing',
    reached: [],
    line,
  };
}

export const promoteTasks: Work<PromoteExecutorOptions> = (context, tasks, how) =>
  perStage(context, tasks, how.settle, 'promote', async (stage, kind, group) => {
    const options = group[0]?.options ?? {};
    const { plan, results } = await kind.promote(context, {
      stage,
      requests: group.map(({ project, name, options: { version } }) => ({
        project,
        name,
        ...(version ? { version } : {}),
      })),
      dryRun: options.dryRun ?? false,
      backwards: options.allowTagBackwards ?? false,
      signal: how.signal,
      onEvent: how.onEvent,
      onResult: (result) => how.settle(result, stage),
    });
    if (!options.dryRun) await tellPromotion(context, plan, results);
    return { data: { plan, results }, results };
  });

export const rollbackTasks: Work<RollbackExecutorOptions> = (context, tasks, how) =>
  perStage(context, tasks, how.settle, 'rollback', async (stage, kind, group) => {
    if (kind.pipeline === 'services') {
      const { rollbackServiceTasks } = await import('./deployment-work.ts');
      return rollbackServiceTasks(context, stage, group, how);
    }
    const { to, version, reason, dryRun } = group[0]?.options ?? {};
    const { plans, results } = await rollback(context, {
      stage,
      packages: group.map((task) => task.name),
      ...(to ? { to } : {}),
      ...(version ? { version } : {}),
      ...(reason ? { reason } : {}),
      dryRun: dryRun ?? false,
      signal: how.signal,
      onEvent: how.onEvent,
    });
    for (const result of results) how.settle(result, stage);
    if (!dryRun) await tellRollback(context, stage, { plans, results });
    return { data: { plans, results }, results };
  });

type Group = { data: unknown; results: PackageResult[] };

/** Groups tasks by their stage. A stage of the other pipeline is no stage for a project: nothing to do. */
async function perStage<O extends CommonOptions & { stage?: string }>(
  context: Context,
  tasks: Task<O>[],
  settle: Settle,
  target: 'promote' | 'rollback',
  work: (stage: string, kind: Kind, tasks: Task<O>[]) => Promise<Group>,
): Promise<Group> {
  const groups = new Map<string, Task<O>[]>();
  for (const task of tasks) {
    const { stage } = task.options;
    if (stage === undefined) {
      const stages = stagesOf(context.options, task.pipeline);
      throw errors.STAGE_MISSING({ target: context.options.targets[target], stages });
    }
    if (pipelineOf(context.options, stage, task.target) !== task.pipeline) {
      settle(notForThisKind(task, stage), stage);
      continue;
    }
    groups.set(stage, [...(groups.get(stage) ?? []), task]);
  }
  const done: Group[] = [];
  for (const [stage, group] of groups)
    done.push(await work(stage, kindOf(pipelineOf(context.options, stage, target)), group));
  return {
    data: done.length === 1 ? done[0]?.data : done.map((one) => one.data),
    results: done.flatMap((one) => one.results),
  };
}
