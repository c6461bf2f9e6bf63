import { join } from 'node:path';
import { errors } from '../foundation/index.ts';
import { pipelineOf } from '../pipeline/index.ts';
import type { PackageResult } from '../promotion/carry.ts';
import type { Context } from '../promotion/context.ts';
import { promote } from '../promotion/promote.ts';
import { publish } from '../promotion/publish.ts';
import { rollback } from '../promotion/rollback.ts';
import type { CommonOptions, Settle, Task, Work } from './door.ts';
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
  const first = tasks[0] as Task<PublishExecutorOptions>;
  const release = first.target === 'nx-release-publish';
  const folder = first.options.artifacts ?? 'dist/artifacts';
  const dryRun = first.options.dryRun === true || process.env['NX_DRY_RUN'] === 'true';
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
  if (open.length + released.length === 0) return { data: { schemaVersion: 1, results: [] }, results: [] };
  const { results } = await publish(context, {
    requests: open.map(({ project, root }) => ({
      project,
      root,
      artifact: join(context.workspaceRoot, folder, project),
    })),
    released,
    dryRun,
    allowDirty: first.options.allowDirty ?? false,
    gitTag: first.options.gitTag ?? (release || context.profile === 'live'),
    signal: how.signal,
    onEvent: how.onEvent,
    onResult: how.settle,
  });
  return { data: { schemaVersion: 1, results }, results };
};

/** Publishing goes into the first stage alone; another package stage as configuration is a mistake, a services' stage no work. */
function firstStageTasks(
  context: Context,
  tasks: Task<PublishExecutorOptions>[],
  settle: Settle,
): Task<PublishExecutorOptions>[] {
  const stages = context.options.packages.stages.map((stage) => stage.name);
  return tasks.filter((task) => {
    const { stage } = task.options;
    if (stage === undefined || stage === stages[0]) return true;
    if (pipelineOf(context.options, stage, task.target) === 'packages') {
      throw errors.NOT_FIRST_STAGE({
        stage,
        first: stages[0] ?? '',
        promote: context.options.targets.promote,
        project: task.project,
      });
    }
    settle(notForPackages(task, stage), stage);
    return false;
  });
}

function notForPackages(task: Task<CommonOptions>, stage: string): PackageResult {
  const line = `${stage} is a stage for services, and ${task.project} is a package: nothing to do`;
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

export const promoteTasks: Work<PromoteExecutorOptions> = async (context, tasks, how) => {
  const all = await perStage(context, tasks, how.settle, 'promote', async (stage, group) => {
    const options = group[0]?.options ?? {};
    const { plan, results } = await promote(context, {
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
    return { data: { plan, results }, results };
  });
  return {
    data: all.length === 1 ? all[0]?.data : all.map((one) => one.data),
    results: all.flatMap((one) => one.results),
  };
};

export const rollbackTasks: Work<RollbackExecutorOptions> = async (context, tasks, how) => {
  const all = await perStage(context, tasks, how.settle, 'rollback', async (stage, group) => {
    const { to, version, reason, dryRun } = group[0]?.options ?? {};
    const { plans, results } = await rollback(context, {
      stage,
      packages: group.map((task) => task.name),
      ...(to ? { to } : {}),
      ...(version ? { version } : {}),
      ...(reason ? { reason } : {}),
      dryRun: dryRun ?? false,
      signal: how.signal,
    });
    for (const result of results) how.settle(result, stage);
    return { data: { plans, results }, results };
  });
  return {
    data: all.length === 1 ? all[0]?.data : all.map((one) => one.data),
    results: all.flatMap((one) => one.results),
  };
};

type Group = { data: unknown; results: PackageResult[] };

/** Groups tasks by their stage. A stage of another pipeline is no stage for a package: nothing to do. */
async function perStage<O extends CommonOptions & { stage?: string }>(
  context: Context,
  tasks: Task<O>[],
  settle: Settle,
  target: 'promote' | 'rollback',
  work: (stage: string, tasks: Task<O>[]) => Promise<Group>,
): Promise<Group[]> {
  const stages = context.options.packages.stages.map((stage) => stage.name);
  const groups = new Map<string, Task<O>[]>();
  for (const task of tasks) {
    const { stage } = task.options;
    if (stage === undefined) throw errors.STAGE_MISSING({ target: context.options.targets[target], stages });
    if (pipelineOf(context.options, stage, task.target) === 'services') {
      settle(notForPackages(task, stage), stage);
      continue;
    }
    groups.set(stage, [...(groups.get(stage) ?? []), task]);
  }
  const done: Group[] = [];
  for (const [stage, group] of groups) done.push(await work(stage, group));
  return done;
}
