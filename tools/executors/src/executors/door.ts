import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { ExecutorContext, TaskGraph } from '@nx/devkit';
import { asSluiceError, redact, redactOutput } from '../foundation/index.ts';
import { openContext, type Context } from '../promotion/context.ts';
import type { PackageResult } from '../promotion/carry.ts';
import { annotationOf } from '../report/job/index.ts';
import { SERVICE_FILE } from '../service/types.ts';
import { openTaskProgress, type Watched } from '../report/live/index.ts';
import type { StepEvent } from '../steps/index.ts';

/** One Nx task as the engines see it. */
export interface Task<O> {
  id: string;
  project: string;
  /** Folder of the project, relative to the workspace root. */
  root: string;
  /** Package name from the project's package.json. */
  name: string;
  /** The pipeline that the project moves through: a service has a `sluice.json`. */
  pipeline: 'packages' | 'services';
  target: string;
  /** Projects of the same call whose task of this target comes first in Nx's graph. */
  after?: string[];
  options: O;
}
export interface CommonOptions {
  stage?: string;
  dryRun?: boolean;
  outputFile?: string;
}
interface Report {
  /** What `--output-file` gets. */
  data: unknown;
  results: PackageResult[];
}
/** Takes the fate of a task; with a stage where one call has a project in several. */
export type Settle = (result: PackageResult, stage?: string) => void;
/** Does all tasks of one call in one process; calls `settle` as soon as a task's fate is known. */
export type Work<O extends CommonOptions> = (
  context: Context,
  tasks: Task<O>[],
  how: { signal: AbortSignal; onEvent: (event: StepEvent) => void; settle: Settle; watched?: Watched },
) => Promise<Report>;

/** An executor for one task. Prints the result and maps it to `{success}`. */
export function single<O extends CommonOptions>(work: Work<O>) {
  return async (options: O, context: ExecutorContext): Promise<{ success: boolean }> => {
    const task = await taskOf(context, context.projectName ?? '', context.targetName ?? '', options);
    const [[, { success, text }] = ['', { success: false, text: '' }]] = await collect(work, [task], {
      root: context.root,
      alone: true,
    });
    (success ? process.stdout : process.stderr).write(`${text}\n`);
    return { success };
  };
}

export interface BatchResult {
  task: string;
  result: { success: boolean; terminalOutput: string; startTime: number; endTime: number };
}

/**
 * A batch executor: all tasks in one process. Nx silently runs again what is not yielded, so every task is. `inputs` holds
 * each task's own options; the overrides are those of the last task alone.
 * @param given `watch: false` where there is nothing to watch: an answer is all
 */
export function batched<O extends CommonOptions>(work: Work<O>, { watch = true } = {}) {
  return async function* (
    graph: TaskGraph,
    inputs: Record<string, O>,
    _overrides: O,
    context: ExecutorContext,
  ): AsyncGenerator<BatchResult> {
    const startTime = Date.now();
    const tasks = await Promise.all(
      Object.values(graph.tasks).map(async ({ id, target }) => ({
        ...(await taskOf(context, target.project, target.target, inputs[id] as O)),
        id,
        after: (graph.dependencies?.[id] ?? []).flatMap(
          (before) => graph.tasks[before]?.target.project ?? [],
        ),
      })),
    );
    const alone = watch && Object.keys(context.taskGraph?.tasks ?? graph.tasks).length === 1;
    for (const [task, { success, text }] of await collect(work, tasks, { root: context.root, alone })) {
      yield { task, result: { success, terminalOutput: `${text}\n`, startTime, endTime: Date.now() } };
    }
  };
}

/** An executor of the workspace's root: one answer, printed, and written to `--output-file` as data. */
export async function inWorkspace(
  workspaceRoot: string,
  options: CommonOptions & { key?: string; as?: string },
  work: (context: Context) => Promise<{ success: boolean; data: unknown; text: string }>,
): Promise<{ success: boolean }> {
  redactOutput();
  let context: Context | undefined;
  try {
    context = await openContext({
      workspaceRoot,
      ...(options.key ? { key: resolve(workspaceRoot, options.key) } : {}),
      ...(options.as ? { principal: options.as } : {}),
    });
    const { success, data, text } = await work(context);
    process.stdout.write(`${text}\n`);
    await writeReport(workspaceRoot, options.outputFile, data);
    return { success };
  } catch (thrown) {
    process.stderr.write(redact(`${asSluiceError(thrown).format()}\n`));
    return { success: false };
  } finally {
    await context?.close();
  }
}

async function writeReport(workspaceRoot: string, file: string | undefined, data: unknown): Promise<void> {
  if (!file) return;
  const path = resolve(workspaceRoot, file);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, redact(`${JSON.stringify(data, undefined, 2)}\n`));
}

async function taskOf<O>(
  context: ExecutorContext,
  project: string,
  target: string,
  options: O,
): Promise<Task<O>> {
  const root = context.projectsConfigurations.projects[project]?.root ?? '.';
  const manifest = JSON.parse(await readFile(join(context.root, root, 'package.json'), 'utf8')) as {
    name: string;
  };
  const pipeline = existsSync(join(context.root, root, SERVICE_FILE)) ? 'services' : 'packages';
  return { id: `${project}:${target}`, project, root, name: manifest.name, pipeline, target, options };
}

type Ended = Map<string, { success: boolean; text: string }>;

async function collect<O extends CommonOptions>(
  work: Work<O>,
  tasks: Task<O>[],
  { root: workspaceRoot, alone }: { root: string; alone: boolean },
): Promise<Ended> {
  redactOutput();
  const ended: Ended = new Map();
  const abort = new AbortController();
  const stop = (): void => abort.abort(new Error('stopped on request'));
  // The terminal is gone, or Nx with the one that it gave: what cannot be said any more must not end what is put back.
  const hangUp = (): void => {
    for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
    stop();
  };
  process.once('SIGINT', stop).once('SIGTERM', stop).once('SIGHUP', hangUp);
  const settle: Settle = (result, stage) => {
    const task = tasks.find(
      // The ledger may know a project by an older name; the package's is the same.
      ({ project, name, options }) =>
        (project === result.project || name === result.name) &&
        (stage === undefined || options.stage === stage),
    );
    if (task) ended.set(task.id, { success: result.success, text: redact(result.line) });
    progress.settled(result);
  };
  const { signal } = abort;
  const progress = await openTaskProgress({
    title: titleOf(tasks),
    signal,
    alone: alone && tasks[0]?.options.dryRun !== true,
  });
  let results: PackageResult[] | undefined;
  let context: Context | undefined;
  try {
    context = await openContext({ workspaceRoot });
    const { onEvent, watched } = progress;
    const done = await work(context, tasks, { signal, onEvent, settle, ...(watched ? { watched } : {}) });
    const { data } = done;
    results = done.results;
    await writeReport(workspaceRoot, tasks[0]?.options.outputFile, data);
  } catch (thrown) {
    const text = redact(asSluiceError(thrown).format());
    const open = tasks.filter(({ id }) => !ended.has(id));
    for (const { id } of open) ended.set(id, { success: false, text });
    // What had ended stands as it ended. Where that is all, it is the report that failed, and somebody has to say it.
    const [first] = tasks;
    if (open.length === 0 && first)
      ended.set(first.id, { success: false, text: `${ended.get(first.id)?.text}\n${text}` });
  } finally {
    await context?.close();
    progress.end(results);
    process.off('SIGINT', stop).off('SIGTERM', stop).off('SIGHUP', hangUp);
  }
  for (const task of tasks) {
    if (!ended.has(task.id))
      ended.set(task.id, { success: false, text: `${task.id}: no result; run it again` });
  }
  annotate(ended);
  return ended;
}

/** In GitHub Actions each failure is shown on top of the run; one that several tasks share once. */
function annotate(ended: Ended): void {
  for (const text of new Set([...ended.values()].flatMap((one) => (one.success ? [] : [one.text])))) {
    const code = /^[A-Z][A-Z0-9_]+(?=:)/m.exec(text)?.[0] ?? 'FAILED';
    const shown = annotationOf(process.env, { code, text });
    if (shown) process.stderr.write(`${shown}\n`);
  }
}

/** As one types it. */
function titleOf<O extends CommonOptions>([task]: Task<O>[]): string {
  const { project = '', target = '', options } = task ?? {};
  return [project, target, ...(options?.stage ? [options.stage] : [])].join(':');
}
