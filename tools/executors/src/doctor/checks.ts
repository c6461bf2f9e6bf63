import { pipelineOf, stagesOf } from '../pipeline/index.ts';
import type { Patient } from './patient.ts';
import { historyCheck, ledgerChecks } from './repository/ledger.ts';
import { namesCheck, presenceCheck, rightsCheck } from './registry/packages.ts';
import { clockCheck, embeddedCheck, reachableCheck } from './registry/reachable.ts';
import { tokenCheck, type Role } from './registry/token.ts';
import { toolCheck, TOOLS } from './tools/versions.ts';
import type { Check } from './types.ts';

/** What is to be looked at, for one stage or for all of them, in the order in which it is shown. Asks nothing yet. */
export function checksFor(patient: Patient, stage?: string): Check[] {
  const packageStages = lookedAt(patient, 'packages', stage);
  const remote = packageStages.map(({ name }) => name).filter((name) => !patient.isEmbedded(name));
  return [
    ...TOOLS.map((tool) => toolCheck(tool, patient.context.env)),
    clockCheck(patient, remote),
    historyCheck(patient),
    ...ledgerChecks(patient),
    ...packageStages.flatMap(({ name, role }) => registryChecks(patient, name, role)),
  ];
}

function registryChecks(patient: Patient, stage: string, role: Role): Check[] {
  if (patient.isEmbedded(stage)) return [embeddedCheck(patient, stage)];
  const reading = [reachableCheck(patient, stage), tokenCheck(patient, stage, role)];
  if (role === 'source') return reading;
  return [...reading, namesCheck(patient, stage), presenceCheck(patient, stage), rightsCheck(patient, stage)];
}

/**
 * The stages that a command for this one touches: itself, and the one before, from which it fetches. Without a stage, all.
 */
export function lookedAt(
  { context: { options } }: Pick<Patient, 'context'>,
  pipeline: 'packages' | 'services',
  stage: string | undefined,
): { name: string; role: Role }[] {
  const names = stagesOf(options, pipeline);
  if (stage === undefined) return names.map((name) => ({ name, role: 'target' }));
  if (pipelineOf(options, stage, 'doctor') !== pipeline) return [];
  const before = names[names.indexOf(stage) - 1];
  return [...(before ? [{ name: before, role: 'source' as const }] : []), { name: stage, role: 'target' }];
}
