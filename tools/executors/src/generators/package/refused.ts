import { logger, type Tree } from '@nx/devkit';
import { judgeNames } from '../../doctor/registry/packages.ts';
import { asSluiceError, errors } from '../../foundation/index.ts';
import { profileOf, registryKind } from '../../pipeline/index.ts';
import type { SluiceOptions } from '../../pipeline/types.ts';
import { gitHubOwner, remoteOf } from '../remote.ts';

/** What the generator asks of the world outside the tree. */
export interface Surroundings {
  /** `host/owner/name` of the git remote. */
  remote(): Promise<string | undefined>;
  /** What the stages' registries say of a name; undefined where none of them is to be asked. */
  look(name: string): Promise<Looked[] | undefined>;
}
export interface Looked {
  stage: string;
  /** Versions that are there; empty where the name is free. */
  versions: string[];
  /** Why it could not be asked. */
  unasked?: string;
}

/**
 * A new name that a stage would refuse, or that somebody has there already, before anything is written.
 * @throws NAME_REFUSED, NAME_TAKEN
 */
export async function checkStages(
  { packageName, projectName }: { packageName: string; projectName: string },
  options: SluiceOptions,
  around: Surroundings,
): Promise<void> {
  const owner = gitHubOwner(await around.remote());
  for (const { name: stage, registry, kind } of options.packages.stages) {
    const { verdict, said } = judgeNames([packageName], registryKind(registry, kind), owner);
    if (verdict === 'problem')
      throw errors.NAME_REFUSED({ name: projectName, stage, said, owner: owner?.toLowerCase() });
  }
  const looked = await around.look(packageName);
  const taken = looked?.find(({ versions }) => versions.length > 0);
  if (taken) throw errors.NAME_TAKEN({ name: packageName, project: projectName, ...taken });
  const unasked = looked?.flatMap(({ stage, unasked: why }) => (why ? [`${stage} (${why})`] : []));
  if (unasked === undefined)
    logger.info(
      'Sluice: the registries were not asked whether the name is free (SLUICE_PROFILE=live asks them)',
    );
  else if (unasked.length > 0)
    logger.warn(`Sluice: could not be asked whether the name is free: ${unasked.join(', ')}`);
}

const LIMIT_MS = 5_000;

export const real = (tree: Pick<Tree, 'root'>, env: NodeJS.ProcessEnv = process.env): Surroundings => ({
  remote: () => remoteOf(tree.root),
  look: async (name) => {
    // The local profile's registries are this machine's: what they hold says nothing of the name.
    if (profileOf(env) !== 'live') return undefined;
    const [{ openContext }, { openPatient }] = await Promise.all([
      import('../../promotion/context.ts'),
      import('../../doctor/patient.ts'),
    ]);
    const context = await openContext({ workspaceRoot: tree.root, env });
    const patient = openPatient(context);
    try {
      return await Promise.all(
        context.options.packages.stages.map(async ({ name: stage }): Promise<Looked> => {
          try {
            const { versions } = await (await patient.store(stage)).look(name, AbortSignal.timeout(LIMIT_MS));
            return { stage, versions: [...versions.keys()] };
          } catch (thrown) {
            return { stage, versions: [], unasked: asSluiceError(thrown).code };
          }
        }),
      );
    } finally {
      await patient.close();
      await context.close();
    }
  },
});
