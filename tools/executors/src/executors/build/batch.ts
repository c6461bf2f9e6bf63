import type { ExecutorContext, TaskGraph } from '@nx/devkit';
import { asSluiceError, redact } from '../../foundation/index.ts';
import { openBuilder, type BuildOptions } from './kinds/index.ts';
import { interruptible, sayLine } from './interruptible.ts';

interface BatchResult {
  task: string;
  result: { success: boolean; terminalOutput: string; startTime: number; endTime: number };
}

/**
 * Many builds in one process: a process for each costs forty times what packing does. The order does not matter, since a
 * tarball depends on its siblings' package.json alone, and an image on its own folder.
 */
export default async function* build(
  graph: TaskGraph,
  inputs: Record<string, BuildOptions>,
  _overrides: unknown,
  context: Pick<ExecutorContext, 'root' | 'projectsConfigurations' | 'projectGraph'>,
): AsyncGenerator<BatchResult> {
  const { signal, done } = interruptible();
  try {
    const buildProject = openBuilder(context, { onLine: sayLine(process.stderr), signal });
    for (const { id, target } of Object.values(graph.tasks)) {
      const startTime = Date.now();
      const result = await buildProject(target.project, inputs[id] ?? {})
        .then((terminalOutput) => ({ success: true, terminalOutput }))
        .catch((error: unknown) => ({
          success: false,
          terminalOutput: redact(`${asSluiceError(error).format()}\n`),
        }));
      yield { task: id, result: { ...result, startTime, endTime: Date.now() } };
    }
  } finally {
    done();
  }
}
