import { errors } from '../foundation/index.ts';
import type { GateOptions, SluiceOptions } from '../pipeline/types.ts';
import { IMAGES } from '../service/types.ts';
import type { GateInput } from './types.ts';

/**
 * In the live profile the stage that is promoted into must be the one that the policy means: in the same place of the
 * order, at the same registry. Else a work tree could rename its way around a gate.
 * @throws POLICY_DIFFERS
 */
export function checkStage({
  policy,
  stage,
  from,
  profile,
  registryIdentity = stage.identity,
}: Pick<GateInput, 'policy' | 'stage' | 'from' | 'profile' | 'registryIdentity'>): void {
  if (profile !== 'live') return;
  const { branch } = policy;
  const stages = stagesOf(policy.options, stage.pipeline);
  const before = stages[stages.findIndex((one) => one.name === stage.name) - 1]?.name ?? 'none';
  if (from !== before)
    throw errors.POLICY_DIFFERS({
      what: `the stage before ${stage.name}`,
      here: from,
      there: before,
      branch,
    });
  const meant = policy.identity(stage.name) ?? 'none';
  if (registryIdentity === meant) return;
  // Without a gate a stage may be pointed elsewhere, but not at the registry behind somebody else's gate.
  const gated = stages.some((one) => one.gate && policy.identity(one.name) === registryIdentity);
  if (policy.stage(stage.name) || gated)
    throw errors.POLICY_DIFFERS({
      what: `the registry of stage ${stage.name}`,
      here: registryIdentity,
      there: meant,
      branch,
    });
}

/** The stages of a pipeline in their order; before the first one of services is the registry that images are published to. */
function stagesOf(
  options: SluiceOptions,
  pipeline: 'packages' | 'services',
): { name: string; gate?: GateOptions }[] {
  if (pipeline === 'packages') return options.packages.stages;
  return [{ name: IMAGES }, ...(options.services?.stages ?? [])];
}
