import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
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
    const { text, data } = await pack(context.projectName ?? '', options);
    out.stdout.write(text);
    if (options.outputFile) {
      await writeFile(resolve(context.root, options.outputFile), `${JSON.stringify(data, null, 2)}\n`);
    }
    return { success: true };
  } catch (error) {
    out.stderr.write(`${asSluiceError(error).format()}\n`);
    return { success: false };
  }
}
