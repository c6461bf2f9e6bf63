import { deploy, formatReleases, listReleases, readEnvFile, rollbackServices } from '../deployment/index.ts';
import { errors, redact } from '../foundation/index.ts';
import { durationMs, pipelineOf, stagesOf } from '../pipeline/index.ts';
import type { TargetName } from '../pipeline/types.ts';
import type { PackageResult } from '../promotion/carry.ts';
import type { Context } from '../promotion/context.ts';
import { failure } from '../promotion/carry.ts';
import { hostLines } from '../report/live/index.ts';
import type { StepEvent } from '../steps/index.ts';
import { deploymentContext } from './deployment-context.ts';
import type { CommonOptions, Task, Work } from './door.ts';

export interface DeployExecutorOptions extends CommonOptions {
  version?: string;
  force?: boolean;
  canary?: string | number;
  canaryFor?: string;
  envFile?: string;
  together?: boolean;
}
export interface ServiceRollbackOptions extends CommonOptions {
  to?: string;
  reason?: string;
  restoreDatabase?: string | boolean;
  restoreVolumes?: boolean;
  confirm?: string;
  acrossContract?: boolean;
  envFile?: string;
}
type How = Parameters<Work<CommonOptions>>[2];
type Group = { data: unknown; results: PackageResult[] };

export const deployTasks: Work<DeployExecutorOptions> = (context, tasks, how) =>
  eachStage(context, tasks, how, 'deploy-vps', async (stageName, group) => {
    const { options } = group[0] as Task<DeployExecutorOptions>;
    const stage = await context.serviceStage(stageName, context.options.targets['deploy-vps']);
    const { plans, results } = await deploy(deploymentContext(context), {
      stage,
      requests: group.map(({ project, name, after = [], options: own }) => ({
        project,
        name,
        after,
        force: own.force ?? false,
        ...(own.version ? { version: own.version } : {}),
        ...(own.canary === undefined ? {} : { canary: own.canary }),
      })),
      ...(await givenBy(context, options)),
      ...(options.canaryFor ? { canaryForMs: duration(options.canaryFor) } : {}),
      together: options.together ?? false,
      dryRun: options.dryRun ?? false,
      signal: how.signal,
      ...telling(how),
      onNote: (project, note) => say(`${project}: ${note}`),
      onResult: (result) => how.settle(result, stageName),
    });
    return { data: { plans, results }, results };
  });

export const releasesTasks: Work<CommonOptions> = (context, tasks, how) =>
  eachStage(context, tasks, how, 'releases', async (stageName, group) => {
    const stage = await context.serviceStage(stageName, context.options.targets.releases);
    const opened = deploymentContext(context);
    const done = await Promise.all(
      group.map(async ({ project, name }) => {
        const subject = { project, name, version: '' };
        try {
          const report = await listReleases(opened, stage, project, how.signal);
          const line = formatReleases(report);
          const result: PackageResult = { ...subject, success: true, status: 'done', reached: [], line };
          return { report, result };
        } catch (error) {
          return { report: undefined, result: failure(subject, error) };
        }
      }),
    );
    for (const { result } of done) how.settle(result, stageName);
    return { data: done.map(({ report }) => report), results: done.map(({ result }) => result) };
  });

/** The services' half of `rollback`; the door gives it the tasks of one stage. */
export async function rollbackServiceTasks(
  context: Context,
  stageName: string,
  group: Task<ServiceRollbackOptions>[],
  how: How,
): Promise<Group> {
  const { options } = group[0] as Task<ServiceRollbackOptions>;
  const stage = await context.serviceStage(stageName, context.options.targets.rollback);
  const { plans, results } = await rollbackServices(deploymentContext(context), {
    stage,
    requests: group.map(({ project, name, options: own }) => ({
      project,
      name,
      acrossContract: own.acrossContract ?? false,
      ...(own.to ? { to: own.to } : {}),
      ...(own.reason ? { reason: own.reason } : {}),
      ...(own.confirm ? { confirm: own.confirm } : {}),
      ...restores(own.restoreDatabase),
      restoreVolumes: own.restoreVolumes ?? false,
    })),
    ...(await givenBy(context, options)),
    dryRun: options.dryRun ?? false,
    signal: how.signal,
    ...telling(how),
    onResult: (result) => how.settle(result, stageName),
  });
  return { data: { plans, results }, results };
}

/** Without a file (`--restore-database`) the one is meant that was made when the release was replaced. */
function restores(said: string | boolean | undefined): { restoreDatabase?: string } {
  if (said === undefined || said === false || said === 'false') return {};
  return { restoreDatabase: said === true || said === 'true' ? '' : said };
}

async function givenBy(context: Context, { envFile }: { envFile?: string }) {
  return envFile ? { given: await readEnvFile(context.workspaceRoot, envFile) } : {};
}

function duration(said: string): number {
  try {
    return durationMs(said);
  } catch {
    throw errors.DURATION_INVALID({ said });
  }
}

/** A deployment takes long enough for people to want to see where it is: at a terminal, or line by line. */
function telling({ onEvent, watched }: How) {
  if (watched) return { onEvent, ...watched };
  const lines = hostLines(say);
  return {
    ...lines,
    onEvent: (event: StepEvent): void => {
      onEvent(event);
      lines.onEvent(event);
    },
  };
}

const say = (line: string): void => void process.stderr.write(redact(`${line}\n`));

/** Groups tasks by their stage. A stage of packages is no stage for a service: nothing to do. */
export async function eachStage<O extends CommonOptions>(
  context: Context,
  tasks: Task<O>[],
  how: How,
  target: TargetName,
  work: (stage: string, group: Task<O>[]) => Promise<Group>,
): Promise<Group> {
  const groups = new Map<string, Task<O>[]>();
  for (const task of tasks) {
    const { stage } = task.options;
    if (stage === undefined) {
      const stages = stagesOf(context.options, 'services');
      throw errors.STAGE_MISSING({ target: context.options.targets[target], stages });
    }
    if (pipelineOf(context.options, stage, task.target) === 'services') {
      groups.set(stage, [...(groups.get(stage) ?? []), task]);
      continue;
    }
    const { project, name } = task;
    const line = `${stage} is a stage for packages, and ${project} is a service: nothing to do`;
    how.settle({ project, name, version: '', success: true, status: 'nothing', reached: [], line }, stage);
  }
  const done: Group[] = [];
  for (const [stage, group] of groups) done.push(await work(stage, group));
  return {
    data: done.length === 1 ? done[0]?.data : done.map(({ data }) => data),
    results: done.flatMap(({ results }) => results),
  };
}
