import type { Item } from '../ledger/types.ts';

/** What one condition says about one item. `missing`, `who` and `until` are for the person who has to act. */
export interface ConditionResult {
  condition: 'environment' | 'approvals' | 'soak' | 'freeze' | 'verified';
  open: boolean;
  /** One line, for the record and the board. */
  detail: string;
  /** Principals who can give what is missing. */
  who?: string[];
  /** ISO instant at which it opens by itself. */
  until?: string;
  /** What to type next. */
  next?: string;
}

export interface GateDecision {
  open: boolean;
  results: ConditionResult[];
  /** Nonces of the approvals that this item would use up. */
  approvals: string[];
  /** Commit of the policy it was judged by. */
  policy: string;
}
/** Decisions by "name@version". */
export type GateDecisions = Map<string, GateDecision>;
export type { Item };
