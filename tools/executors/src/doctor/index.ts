import type { Context } from '../promotion/context.ts';
import { pipelineOf } from '../pipeline/index.ts';
import { checksFor } from './checks.ts';
import { openPatient } from './patient.ts';
import { runChecks } from './run.ts';
import type { Checked, Diagnosis, Verdict } from './types.ts';

export type { Check, Checked, Diagnosis, Finding, Verdict } from './types.ts';
export { annotationsOf, formatDiagnosis, summaryOf } from './text.ts';
export { tell } from './tell.ts';

/**
 * Looks at everything that a run would need: for one stage, or for all of them. Changes nothing.
 * @throws STAGE_UNKNOWN, and what the options of nx.json are refused with
 */
export async function diagnose(
  context: Context,
  { stage, signal, limitMs }: { stage?: string | undefined; signal?: AbortSignal; limitMs?: number } = {},
): Promise<Diagnosis> {
  if (stage !== undefined) pipelineOf(context.options, stage, context.options.targets.doctor);
  const patient = openPatient(context);
  try {
    const projects = await patient.projects();
    const checks = await runChecks(checksFor(patient, projects, stage), { signal, limitMs });
    const counts = countsOf(checks);
    const { profile } = context;
    return { profile, ...(stage ? { stage } : {}), ok: counts.problem === 0, counts, checks };
  } finally {
    await patient.close();
  }
}

function countsOf(checks: readonly Checked[]): Record<Verdict, number> {
  const counts = { ok: 0, warning: 0, problem: 0, 'not checked': 0 };
  for (const { verdict } of checks) counts[verdict] += 1;
  return counts;
}
