import type { Repository } from '../git/index.ts';
import type { EnvironmentRun, Item, Ledger, LedgerState } from '../ledger/types.ts';
import type { GateOptions, Profile, Stage } from '../pipeline/types.ts';
import type { ServiceStage } from '../service/types.ts';
import type { Authors } from './authors.ts';
import type { Policy } from './policy.ts';
import type { RunningJob } from './running-job.ts';
import type { Trust } from './trust.ts';

/** What one condition says about one item. `missing`, `who` and `until` are for the person who has to act. */
export interface ConditionResult {
  /** `origin` holds for every gate: the artifact is known, by a record that can be trusted, from sources on the default branch. */
  condition: 'origin' | 'environment' | 'approvals' | 'soak' | 'freeze' | 'verified';
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
  /** The environment that this job is behind, where the gate names it and that is proved. */
  environment?: EnvironmentRun;
}
/** Decisions by "name@version". */
export type GateDecisions = Map<string, GateDecision>;
export type { Item };

/** An artifact that wants in, with the folder whose commits it carries (relative to the workspace root, "." for all). */
export interface GateItem extends Item {
  root: string;
}

/** What a gate needs to know of a stage, of whichever pipeline. */
export type GatedStage = Pick<Stage | ServiceStage, 'pipeline' | 'name' | 'identity'>;

/** What `evaluateGate` is given. */
export interface GateInput {
  policy: Policy;
  stage: GatedStage;
  /** Name of the stage it comes from. */
  from: string;
  /** That stage has hosts to deploy to, as far as this machine knows; services alone. */
  beforeHasHosts?: boolean;
  items: GateItem[];
  state: LedgerState;
  ledger: Ledger;
  repository: Repository;
  profile: Profile;
  now: Date;
  /** Identity of the stage's registry as the ledger names it; `stage.identity` unless given. */
  registryIdentity?: string;
  /** The CI job that this runs in; without it only signed approvals count. */
  job?: RunningJob | undefined;
  /** Identity of the repository as the ledger names it; that of the ledger's remote unless given. */
  repositoryIdentity?: string;
}

/** What a condition judges by; shared by all items of one evaluation, with what was already looked up. */
export interface GateContext extends GateInput {
  gate: GateOptions;
  registryIdentity: string;
  repositoryIdentity: string;
  trust: Trust;
  authors: Authors;
}

/** One way a gate can be closed; one file each, listed in `conditions.ts`. */
export interface Condition {
  name: ConditionResult['condition'];
  applies(gate: GateOptions, profile: Profile): boolean;
  judge(context: GateContext, item: GateItem): Promise<Judgement> | Judgement;
}
/** What a condition found, with the approvals that it rests on. */
export type Judgement = Omit<ConditionResult, 'condition'> & {
  approvals?: string[];
  environment?: EnvironmentRun;
};
