import { toSummary } from '../report/job/index.ts';
import { annotationsOf, summaryOf } from './text.ts';
import type { Diagnosis } from './types.ts';

/** Inside GitHub Actions: an annotation for what is wrong, and the table in the summary of the job. */
export async function tell(
  diagnosis: Diagnosis,
  env: NodeJS.ProcessEnv,
  write: (line: string) => void,
): Promise<void> {
  if (env['GITHUB_ACTIONS'] !== 'true') return;
  for (const line of annotationsOf(diagnosis)) write(line);
  await toSummary(env, summaryOf(diagnosis));
}
