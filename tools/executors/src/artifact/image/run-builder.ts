import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errors } from '../../foundation/index.ts';
import { pinBases } from './bases.ts';
import type { Builder, BuildRequest } from './builders/index.ts';
import { showCommand, type Command, type Run, type RunHow } from './command.ts';
import type { ImagePlan } from './images.ts';
import type { ResolvedBases } from './resolve-bases.ts';

/** What a builder is asked for. @param work folder for what lies there only while it builds */
export function requestOf(
  plan: ImagePlan,
  { epoch, noCache }: Pick<BuilderRun, 'epoch' | 'noCache'>,
  work: string,
): BuildRequest {
  const { service, context, target, args, platforms, tag, bases } = plan;
  const file = (name: string): string => join(work, `${service}.${name}`);
  return {
    context,
    dockerfile: file('Dockerfile'),
    ...(target === undefined ? {} : { target }),
    args,
    platforms,
    tag,
    epoch,
    wantsEpoch: bases.wantsEpoch,
    noCache: noCache ?? false,
    idFile: file('id'),
    archive: file('tar'),
  };
}

export interface BuilderRun extends RunHow {
  project: string;
  epoch: number;
  noCache?: boolean | undefined;
  builder: Builder;
  resolved: ResolvedBases;
  work: string;
  run: Run;
}

/** Runs the builder for one image; its id, and the archive that holds it. */
export async function runBuilder(
  plan: ImagePlan,
  how: BuilderRun,
): Promise<{ id?: string; archive: string }> {
  const { builder, resolved, work, run } = how;
  const { onLine, signal } = how;
  const request = requestOf(plan, how, work);
  await writeFile(request.dockerfile, pinBases(plan.text, plan.options, resolved.pins));
  // BuildKit looks for the ignore file of a Dockerfile beside it.
  await copyFile(`${plan.dockerfile}.dockerignore`, `${request.dockerfile}.dockerignore`).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    },
  );
  // The files above are gone by then.
  const byHand = showCommand(
    builder.build({ ...request, dockerfile: plan.dockerfile, idFile: 'image.id', archive: 'image.tar' }),
  ).slice(2);
  const must = async (command: Command): Promise<void> => {
    const { code, stdout, stderr } = await run(command, { onLine, signal });
    if (code === 0) return;
    throw errors.IMAGE_BUILD_FAILED({
      project: how.project,
      service: plan.service,
      command: byHand,
      said: [...tail(`${stdout}\n${stderr}`), `${command.program} ended with exit code ${code}`],
    });
  };
  await must(builder.build(request));
  if (!builder.store) return { archive: request.archive };
  const id = (await readFile(request.idFile, 'utf8')).trim().replace(/^(?!sha256:)/, 'sha256:');
  await must(builder.store.save(id, request.archive));
  return { id, archive: request.archive };
}

const tail = (text: string): string[] =>
  text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-30);
