import type { ApprovalOptions, GateOptions } from '../pipeline/types.ts';

/** How many approvals a gate asks for, and from whom; `count` is 0 where it asks for none. */
export function approvalOptions(gate: GateOptions): ApprovalOptions {
  const { approvals = 0 } = gate;
  return typeof approvals === 'number' ? { count: approvals } : approvals;
}
