import { errors } from '../foundation/index.ts';
import type { PhaseResult } from './types.ts';

/**
 * Compares the host's clock, as `preflight` read it between two moments of ours, with ours. Certificates, tokens and the names
 * of backups go by it; the lock's lease does not.
 * @throws CLOCK_SKEW
 */
export function checkClock(
  host: string,
  result: PhaseResult,
  between: { from: number; to: number },
  limitMs = 60_000,
): void {
  const theirs = Number(result.facts.find(({ key }) => key === 'clock')?.value) * 1_000;
  // Whole seconds, read at some moment between ours.
  const ms = Math.max(between.from - (theirs + 1_000), theirs - between.to, 0);
  if (!(ms <= limitMs)) throw errors.CLOCK_SKEW({ host, ms: Math.round(ms), limit: limitMs });
}
