import type { ExecutorContext } from '@nx/devkit';
import { asSluiceError } from '../../foundation/index.ts';
import { openPacker } from './pack.ts';
import type { BuildOptions } from './pack.ts';

type Context = Pick<ExecutorContext, 'root' | 'projectName' | 'projectsConfigurations' | 'projectGraph'>;

/** Writes the artifact of one package to `dist/artifacts/<project>`. */
export default async function build(
  options: BuildOptions,
  context: Context,
  out: { stdout: Pick<NodeJS.WriteStream, 'write'>; stderr: Pick<NodeJS.WriteStream, 'write'> } = process,
): Promise<{ success: boolean }> {
  try {
    const pack = await openPacker(context);
    out.stdout.write(await pack(context.projectName ?? '', options));
    return { success: true };
  } catch (error) {
    out.stderr.write(`${asSluiceError(error).format()}\n`);
    return { success: false };
  }
}
