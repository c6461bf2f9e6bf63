import type { PhaseName, PhaseResult } from '../host/types.ts';
import { runOn, sideBySide, type Member, type Reach } from './fleet.ts';
import { inputFor, type PhaseOptions, type Setting } from './inputs.ts';
import type { Outside } from './outside.ts';
import type { DeploymentPlan, ReleaseManifest } from './types.ts';
import type { Verdict } from './verdict.ts';

/** A release that a host counts as its current one; without a manifest where its folder is gone. */
export interface Served {
  release: string;
  manifest?: ReleaseManifest;
}

/** What one service carries through the rows, deployed or rolled back. */
export interface Passage {
  setting: Setting;
  members: Member[];
  reach: Reach;
  /** What served on each host when it began, and is put back where this fails. */
  before: Map<string, Served | undefined>;
  outside: Outside;
  /** It goes back to a release that was there before. */
  goesBack?: boolean;
  /** Writes the ledger's record; throws where it could not. */
  record: () => Promise<void>;
  now: () => Date;
  /** Milliseconds of each row, for the benchmark and the report. */
  timings: { row: string; ms: number }[];
  /** What did not keep it from its end, for the person to know. */
  notes: string[];
  /** Title of the row that runs. */
  at: string;
  /** A file that the leader's databases were saved to. */
  backup?: string;
  /** People see the maintenance page. */
  page?: boolean;
  /** Something began that the release before cannot live with: it may not be put back by itself, and this says what. */
  oneWay?: string;
  /** It serves everywhere and was watched for long enough. */
  baked: boolean;
  /** Called as soon as it is known that this one is taken back. */
  onUndo?: () => void;
  /** The new release counts as the current one somewhere: there is no way back but a rollback. */
  committed: boolean;
  verdict?: Verdict;
}
export interface Deployment extends Passage {
  plan: DeploymentPlan;
  canaryForMs: number;
  /** There is nothing to deploy, but the ledger does not know of what serves: its deployer was stopped before it could say so. */
  unrecorded?: ReleaseManifest;
}

/** Runs a phase on some hosts side by side. */
export const phaseOn = (
  { setting, reach }: Passage,
  members: Member[],
  phase: PhaseName,
  signal?: AbortSignal,
  options: PhaseOptions = {},
): Promise<Map<Member, PhaseResult>> =>
  sideBySide(members, signal, (member, both) =>
    runOn(member, phase, { ...inputFor(setting, phase, options), signal: both }, reach),
  );

export const leaderOf = ({ members }: Passage): Member => members.find(({ leader }) => leader) as Member;
export const inWave = ({ members }: Passage, wave: number): Member[] =>
  members.filter((member) => member.wave === wave);
