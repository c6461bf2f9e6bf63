import { asSluiceError } from '../foundation/index.ts';
import { failed, NotChecked, problem, unchecked } from './findings.ts';
import type { Check, Checked, Finding } from './types.ts';

/** They wait for the network, and for processes that are short: more at once would only be more sockets. */
const AT_ONCE = 12;
const LIMIT_MS = 20_000;

export interface RunOptions {
  signal?: AbortSignal | undefined;
  atOnce?: number;
  /** Milliseconds for a check that does not say its own. */
  limitMs?: number | undefined;
}

/**
 * Makes all checks, several at once, each within its time. What one of them throws is its own finding, and stops no other.
 * The answers stand in the order of the checks.
 */
export async function runChecks(
  checks: readonly Check[],
  { signal, atOnce = AT_ONCE, limitMs = LIMIT_MS }: RunOptions = {},
): Promise<Checked[]> {
  const answers: Checked[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let at = next++; at < checks.length; at = next++) {
      const check = checks[at] as Check;
      const { room, title, stage } = check;
      const began = performance.now();
      const finding = await within(check, check.limitMs ?? limitMs, signal);
      const ms = Math.round(performance.now() - began);
      answers[at] = { room, title, ...(stage ? { stage } : {}), ...finding, ms };
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, checks.length) }, worker));
  return answers;
}

/** The check's answer, or that it gave none in its time: also where it does not heed its signal. */
async function within(check: Check, limitMs: number, stop: AbortSignal | undefined): Promise<Finding> {
  if (stop?.aborted) return unchecked('stopped on request');
  const limit = AbortSignal.timeout(limitMs);
  const signal = stop ? AbortSignal.any([stop, limit]) : limit;
  const late = (): Finding =>
    stop?.aborted
      ? unchecked('stopped on request')
      : problem(
          `no answer within ${limitMs / 1000} s`,
          `npx sluice doctor${check.stage ? ` ${check.stage}` : ''} (again; where it stays, what is asked here does not answer)`,
          'STEP_TIMED_OUT',
        );
  let left: (() => void) | undefined;
  const ended = new Promise<Finding>((resolve) => {
    left = () => resolve(late());
    signal.addEventListener('abort', left, { once: true });
  });
  try {
    return await Promise.race([answer(check, signal, late), ended]);
  } finally {
    if (left) signal.removeEventListener('abort', left);
  }
}

async function answer(check: Check, signal: AbortSignal, late: () => Finding): Promise<Finding> {
  try {
    return await check.run(signal);
  } catch (thrown) {
    if (thrown instanceof NotChecked) return unchecked(thrown.message);
    return signal.aborted ? late() : failed(asSluiceError(thrown));
  }
}
