import type { SluiceOptions } from '../pipeline/types.ts';

/** A GitHub environment that the workflows use. */
export interface UsedEnvironment {
  name: string;
  stage: string;
  /** `gate`: its reviewers let a promotion in. `deploy` and `rollback`: hold credentials, and nobody has to be asked. */
  use: 'gate' | 'deploy' | 'rollback';
}

/** The environments of all stages, in their order, each name once. */
export function environmentsOf(options: SluiceOptions): UsedEnvironment[] {
  const used = [
    ...options.packages.stages.flatMap(({ name: stage, gate }): UsedEnvironment[] =>
      gate?.environment ? [{ name: gate.environment, stage, use: 'gate' }] : [],
    ),
    ...(options.services?.stages ?? []).flatMap((stage): UsedEnvironment[] => {
      const gate = approvalEnvironment(stage);
      return [
        ...(gate ? [{ name: gate, stage: stage.name, use: 'gate' as const }] : []),
        { name: stage.name, stage: stage.name, use: 'deploy' },
        { name: rollbackEnvironment(stage.name), stage: stage.name, use: 'rollback' },
      ];
    }),
  ];
  return used.filter(({ name }, i) => used.findIndex((other) => other.name === name) === i);
}

export const rollbackEnvironment = (stage: string): string => `${stage}-rollback`;

/**
 * Where the approval of a service stage is waited for. Where the gate names the stage's own environment, which deployments
 * run in, people are asked in another one: a job that waits must not hold the queue of deployments.
 */
export function approvalEnvironment(stage: {
  name: string;
  gate?: { environment?: string };
}): string | undefined {
  const said = stage.gate?.environment;
  return said === undefined || said !== stage.name ? said : `${stage.name}-approval`;
}
