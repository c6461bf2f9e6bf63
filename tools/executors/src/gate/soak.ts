import { durationMs } from '../pipeline/index.ts';
import { stoodBefore } from './stood.ts';
import type { Condition } from './types.ts';

/** The version must have stood in the stage before for a while. */
export const soak: Condition = {
  name: 'soak',
  applies: (gate) => gate.soak !== undefined,
  async judge(context, item) {
    const asked = context.gate.soak ?? '0s';
    const stood = await stoodBefore(context, item);
    if (!stood.ok) return { open: false, detail: stood.problem, next: stood.next };
    const { since, until } = stood;
    const opens = new Date(since.getTime() + durationMs(asked));
    const time = until
      ? `from ${since.toISOString()} to ${until.toISOString()}`
      : `since ${since.toISOString()}`;
    const detail = `in ${context.from} ${time}, ${asked} asked for`;
    if (opens <= (until ?? context.now)) return { open: true, detail };
    // What does not run there any more gains no time.
    if (until) return { open: false, detail };
    return { open: false, detail, until: opens.toISOString(), next: `wait until ${opens.toISOString()}` };
  },
};
