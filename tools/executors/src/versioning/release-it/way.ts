import type { GateOptions } from '../../pipeline/types.ts';
import type { Context } from '../../promotion/context.ts';

/** The stages that a version goes through, and what each asks for: one line a stage. */
export async function wayAhead(context: Context): Promise<string[]> {
  const stages = await context.stages();
  return stages.map(({ name, gate }, index) => {
    if (index === 0) return `  ${name}: now, by this release`;
    const asks = conditionsOf(gate);
    return `  ${name}: by promotion${asks.length > 0 ? `, after ${asks.join(', ')}` : ''}`;
  });
}

/** What a gate asks for, in words. Pure. */
export function conditionsOf(gate: GateOptions | undefined): string[] {
  if (!gate) return [];
  const { environment, approvals, soak, freeze, verified } = gate;
  const count = typeof approvals === 'object' ? approvals.count : approvals;
  return [
    ...(environment ? [`the environment ${environment}`] : []),
    ...(count ? [`${count} ${count === 1 ? 'approval' : 'approvals'}`] : []),
    ...(soak ? [`${soak} in the stage before`] : []),
    ...(freeze?.length ? ['no freeze'] : []),
    ...(verified ? [`verification (${verified}) of the stage before`] : []),
  ];
}
