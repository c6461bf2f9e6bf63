import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { asSluiceError } from '../../foundation/index.ts';
import { readOptions } from '../../pipeline/index.ts';
import * as local from '../../registry/local/index.ts';

interface RegistriesOptions {
  reset?: boolean;
  json?: boolean;
  dryRun?: boolean;
  outputFile?: string;
}
type Result = { success: boolean };

/** Runs the local registries until SIGINT or SIGTERM. */
export default async function registries(
  options: RegistriesOptions,
  { root }: { root: string },
): Promise<Result> {
  try {
    const { packages, services } = await readOptions(root);
    const pipeline = packages.stages.map((stage) => stage.name);
    const stages = services ? [...pipeline, local.IMAGES] : pipeline;
    if (options.reset && !options.dryRun) await local.resetLocalRegistries(root);
    const lease = options.dryRun
      ? undefined
      : await local.leaseLocalRegistries({ workspaceRoot: root, stages, pipeline });
    const found = local.describeRegistries(root, stages, lease);
    const json = `${JSON.stringify({ registries: found, notes: lease?.notes ?? [] }, undefined, 2)}\n`;
    if (options.outputFile) await writeFile(resolve(root, options.outputFile), json);
    process.stdout.write(options.json ? json : `\n${local.registriesText(root, found, lease?.notes)}\n`);
    return { success: lease === undefined || (await local.untilInterrupted(lease)) === 'interrupted' };
  } catch (error) {
    process.stderr.write(`${asSluiceError(error).format()}\n`);
    return { success: false };
  }
}
