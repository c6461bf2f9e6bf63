import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { asSluiceError } from '../../foundation/index.ts';
import { readOptions } from '../../pipeline/index.ts';
import {
  describeRegistries,
  leaseLocalRegistries,
  registriesText,
  resetLocalRegistries,
} from '../../registry/local/index.ts';

interface RegistriesOptions {
  reset?: boolean;
  json?: boolean;
  dryRun?: boolean;
  outputFile?: string;
}

/** Runs the local registries until SIGINT or SIGTERM. */
export default async function registries(
  options: RegistriesOptions,
  { root }: { root: string },
): Promise<{ success: boolean }> {
  try {
    const stages = (await readOptions(root)).packages.stages.map((stage) => stage.name);
    if (options.reset && !options.dryRun) await resetLocalRegistries(root);
    const lease = options.dryRun ? undefined : await leaseLocalRegistries({ workspaceRoot: root, stages });
    const found = describeRegistries(root, stages, lease);
    const json = `${JSON.stringify({ registries: found, notes: lease?.notes ?? [] }, undefined, 2)}\n`;
    if (options.outputFile) await writeFile(resolve(root, options.outputFile), json);
    process.stdout.write(options.json ? json : `\n${registriesText(root, found, lease?.notes)}\n`);
    if (!lease) return { success: true };
    const ended = await Promise.race([interrupted(), lease.closed.then(() => 'closed' as const)]);
    await lease.release();
    return { success: ended !== 'closed' };
  } catch (error) {
    process.stderr.write(`${asSluiceError(error).format()}\n`);
    return { success: false };
  }
}

function interrupted(): Promise<'interrupted'> {
  const alive = setInterval(() => {}, 60_000);
  const signal = new Promise<void>((done) =>
    ['SIGINT', 'SIGTERM'].forEach((name) => process.once(name, () => done())),
  );
  return signal.then(() => (clearInterval(alive), 'interrupted'));
}
