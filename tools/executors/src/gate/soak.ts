import { durationMs } from '../pipeline/index.ts';
import { entryBefore } from './before.ts';
import type { Condition, GateContext } from './types.ts';

/** The version must have stood in the stage before for a while. */
export const soak: Condition = {
  name: 'soak',
  applies: (gate) => gate.soak !== undefined,
  async judge(context, item) {
    const asked = context.gate.soak ?? '0s';
    const before = await entryBefore(context, item);
    if (!before.ok) return { open: false, detail: before.problem, next: before.next };
    const since = await stoodSince(context, before.entry);
    const opens = new Date(since.getTime() + durationMs(asked));
    const detail = `in ${context.from} since ${since.toISOString()}, ${asked} asked for`;
    if (opens <= context.now) return { open: true, detail };
    return { open: false, detail, until: opens.toISOString(), next: `wait until ${opens.toISOString()}` };
  },
};

/** The later of what the record says and what the commit that carried it says: neither alone can shorten the time. */
async function stoodSince(
  context: GateContext,
  entry: { record: { at: string }; batch: string },
): Promise<Date> {
  const recorded = new Date(entry.record.at);
  const committed = await context.trust.committedAt(entry.batch);
  return committed > recorded ? committed : recorded;
}
