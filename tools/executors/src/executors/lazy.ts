import { enableCompileCache } from 'node:module';
import type { ExecutorContext, TaskGraph } from '@nx/devkit';
import type { BatchResult } from './door.ts';

type Works = typeof import('./work.ts');
type WorkName = keyof typeof works;

/** Each in its own module, so that packages do not wait for the loading of what only services need. */
const works = {
  publishTasks: async () => (await import('./work.ts')).publishTasks,
  promoteTasks: async () => (await import('./work.ts')).promoteTasks,
  rollbackTasks: async () => (await import('./work.ts')).rollbackTasks,
  deployTasks: async () => (await import('./deployment-work.ts')).deployTasks,
  releasesTasks: async () => (await import('./deployment-work.ts')).releasesTasks,
  smokeTasks: async () => (await import('./smoke-work.ts')).smokeTasks,
};

/** These move nothing. */
const ANSWERS: WorkName[] = ['releasesTasks', 'smokeTasks'];

/**
 * The engines are loaded when a task needs them, through Node's compile cache: a start that has nothing to do is
 * mostly the loading of code.
 */
async function load(name: WorkName) {
  enableCompileCache();
  const [door, work] = await Promise.all([import('./door.ts'), works[name]()]);
  return { ...door, work: work as Works['promoteTasks'] };
}

/** The executor for one task of this kind. */
export function executor(name: WorkName) {
  return async (options: object, context: ExecutorContext): Promise<{ success: boolean }> => {
    const { single, work } = await load(name);
    return single(work)(options, context);
  };
}

/** The batch executor for many tasks of this kind, in one process. */
export function batch(name: WorkName) {
  return async function* (
    graph: TaskGraph,
    inputs: Record<string, object>,
    overrides: object,
    context: ExecutorContext,
  ): AsyncGenerator<BatchResult> {
    const { batched, work } = await load(name);
    yield* batched(work, { watch: !ANSWERS.includes(name) })(graph, inputs, overrides, context);
  };
}
