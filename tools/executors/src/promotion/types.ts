import type { GateDecision } from '../gate/types.ts';

/** What is to happen to one package in a stage. */
export type PlanAction =
  /** To be moved (or finished: a run that stopped half-way). */
  | 'promote'
  /** The stage has it, with these bytes, tagged and recorded. */
  | 'nothing'
  /** Its digest is held after a rollback. */
  | 'held'
  /** Cannot be done; `problem` says why. */
  | 'refused';

export interface PlanItem {
  project: string;
  name: string;
  version: string;
  integrity: string;
  /** Bytes of the artifact. */
  size: number;
  action: PlanAction;
  /** Dist-tag that will point to it. */
  tag: string;
  /** Services alone: all tags that will name it, what they name now, and whether they may leave that. */
  tags?: { tag: string; moves: boolean; now?: string }[];
  /** False where moving the tag would take it backwards. */
  movesTag: boolean;
  /** Version that the tag points to now; of a service the one that stands in the stage. */
  previous?: string;
  /** Names of the packages in this plan that must be visible first. */
  after: string[];
  problem?: { code: string; what: string; state: string; next: string };
  gate?: GateDecision;
}

/** The plan that a dry run prints, an approval signs, and the execution carries out. */
export interface PromotionPlan {
  schemaVersion: 1;
  pipeline: 'packages' | 'services';
  repository: string;
  stage: string;
  from: string;
  registry: string;
  /** sha256 over stage, registry identity and the (name, version, integrity) of the items to promote. */
  hash: string;
  ledgerHead: string | null;
  policy: string;
  items: PlanItem[];
}
