import type { ExecutorContext } from '@nx/devkit';
import { asSluiceError, redact } from '../../foundation/index.ts';
import { openBuilder, type BuildOptions } from './kinds/index.ts';
import { interruptible, sayLine } from './interruptible.ts';

type Context = Pick<ExecutorContext, 'root' | 'projectName' | 'projectsConfigurations' | 'projectGraph'>;

/** Writes the artifact of one project to `dist/artifacts/<project>`. */
export default async function build(
  options: BuildOptions,
  context: Context,
  out: { stdout: Pick<NodeJS.WriteStream, 'write'>; stderr: Pick<NodeJS.WriteStream, 'write'> } = process,
): Promise<{ success: boolean }> {
  const { signal, done } = interruptible();
  try {
    const buildProject = openBuilder(context, { onLine: sayLine(out.stderr), signal });
    out.stdout.write(await buildProject(context.projectName ?? '', options));
    return { success: true };
  } catch (error) {
    out.stderr.write(redact(`${asSluiceError(error).format()}\n`));
    return { success: false };
  } finally {
    done();
  }
}
