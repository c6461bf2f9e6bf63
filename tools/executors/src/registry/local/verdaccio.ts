import { createRequire } from 'node:module';
import { join } from 'node:path';
import { errors } from '../../foundation/index.ts';

/**
 * The entry of the workspace's own Verdaccio, else of the one beside the plugin. Throws VERDACCIO_MISSING.
 * @param from the files from which it is looked for
 */
export function findVerdaccio(
  workspaceRoot: string,
  from = [join(workspaceRoot, 'package.json'), import.meta.filename],
): string {
  for (const file of from) {
    try {
      return createRequire(file).resolve('verdaccio');
    } catch {
      continue;
    }
  }
  throw errors.VERDACCIO_MISSING({ root: workspaceRoot });
}
