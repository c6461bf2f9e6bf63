import type { ExecutorContext, TaskGraph } from '@nx/devkit';
import { asSluiceError } from '../../foundation/index.ts';
import { openPacker } from './pack.ts';
import type { BuildOptions } from './pack.ts';

interface BatchResult {
  task: string;
  result: { success: boolean; terminalOutput: string; startTime: number; endTime: number };
}

/**
 * Many builds in one process: a process for each costs forty times what packing does. The order does not matter, since a
 * tarball depends on its siblings' package.json alone.
 */
export default async function* build(
  graph: TaskGraph,
  inputs: Record<string, BuildOptions>,
  _overrides: unknown,
  context: Pick<ExecutorContext, 'root' | 'projectsConfigurations' | 'projectGraph'>,
): AsyncGenerator<BatchResult> {
  const opened = openPacker(context);
  for (const { id, target } of Object.values(graph.tasks)) {
    const startTime = Date.now();
    const result = await opened
      .then((pack) => pack(target.project, inputs[id] ?? {}))
      .then((terminalOutput) => ({ success: true, terminalOutput }))
      .catch((error: unknown) => ({ success: false, terminalOutput: `${asSluiceError(error).format()}\n` }));
    yield { task: id, result: { ...result, startTime, endTime: Date.now() } };
  }
}
