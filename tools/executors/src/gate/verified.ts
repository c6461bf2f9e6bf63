import type { Promoted, Published } from '../ledger/types.ts';
import { entryBefore } from './before.ts';
import { stoodBefore } from './stood.ts';
import type { Condition, GateContext, GateItem, Judgement } from './types.ts';

/** What was proved in the stage before: equal bytes, or also an install there. */
export const verified: Condition = {
  name: 'verified',
  applies: (gate) => gate.verified !== undefined,
  async judge(context, item) {
    const asked = context.gate.verified ?? 'bytes';
    const before = await entryBefore(context, item);
    if (!before.ok) return { open: false, detail: before.problem, next: before.next };
    if (context.stage.pipeline === 'services') return deployedBefore(context, item);
    const proved = provedBy(before.entry.record);
    if (proved === 'install' || proved === asked)
      return { open: true, detail: `${context.from} was verified: ${proved}` };
    return {
      open: false,
      detail: proved
        ? `${context.from} was verified by ${proved} alone, ${asked} is asked for`
        : `${context.from} serves other bytes than it was given`,
      next: `give the stage ${context.from} "verify": "${asked}" in nx.json and promote a new version through it`,
    };
  },
};

/** A digest is compared on every step; what can be asked for beyond that is that it was seen to work. */
async function deployedBefore(context: GateContext, item: GateItem): Promise<Judgement> {
  const stood = await stoodBefore(context, item);
  if (!stood.ok) return { open: false, detail: stood.problem, next: stood.next };
  const how = stood.deployed ? 'deployed and verified' : 'verified: bytes';
  return { open: true, detail: `${context.from}: ${how}` };
}

/** Publishing reads back what the first stage serves, and says where that differs. */
function provedBy(record: Published | Promoted): 'bytes' | 'install' | undefined {
  if (record.type === 'promoted') return record.verified;
  return record.serves === undefined ? 'bytes' : undefined;
}
