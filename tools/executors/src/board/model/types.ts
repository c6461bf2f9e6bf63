/**
 * What the page is given. Only values: the page's own code imports these types and nothing else of the plugin.
 * Every text in here may come from a project (a commit message, a reason, a name) and is shown as text.
 */
export interface Board {
  schemaVersion: 1;
  /** ISO instant at which this was true. */
  at: string;
  repository: string;
  profile: string;
  ledgerHead: string | null;
  records: number;
  /** The gates were asked; before that what waits says nothing of them. */
  judged: boolean;
  pipelines: Pipeline[];
  /** What could not be found out, in words. */
  problems: string[];
}

export interface Pipeline {
  kind: 'packages' | 'services';
  stages: StageHead[];
  projects: Project[];
}
export interface StageHead {
  name: string;
  /** Of the registry, as the ledger names it. */
  registry: string;
  /** What the gate asks for, one line a condition; none without a gate. */
  gate: string[];
  hosts: string[];
}
export interface Project {
  project: string;
  name: string;
  /** Names of the projects of this workspace that it depends on. */
  needs: string[];
  /** `changed`: its own files differ from what the first stage has; `affected`: those of something that it depends on. */
  news?: 'changed' | 'affected';
  /** One for each stage of its pipeline, in order. */
  cells: Cell[];
}

/** What one stage has of one project. */
export interface Cell {
  version?: string;
  /** ISO instant of its entry. */
  since?: string;
  /** Integrity of a tarball, or an image's digest. */
  digest?: string;
  by?: string;
  approvedBy: string[];
  /** The version that stands here may go no further. */
  isHeld?: boolean;
  /** Versions of this project that are held, where one of them stood here. */
  held?: string[];
  waiting?: Waiting;
  running?: Running;
  failed?: Failure;
  /** The newest way back, where nothing came after it. */
  wentBack?: { from: string; to?: string; at: string; by: string; reason: string };
  /** What a person may type about this, most likely first. */
  commands: Command[];
}
export interface Waiting {
  version: string;
  digest: string;
  /** When it entered the stage before. */
  since: string;
  /** The stage has a gate. */
  gated: boolean;
  /** Undefined until the gate was asked, and where there is none. */
  gate?: { open: boolean; conditions: Condition[] };
  /** Why the gate could not be asked. */
  problem?: string;
}
export interface Condition {
  name: string;
  open: boolean;
  detail: string;
  who?: string[];
  /** ISO instant at which it opens by itself. */
  until?: string;
  next?: string;
}
export interface Running {
  version: string;
  release: string;
  since: string;
  by: string;
  hosts: HostHealth[];
}
export interface HostHealth {
  host: string;
  /** `serves`: verified after the switch, and baked. `restored`: proved to serve again after a failure. `unknown`: a failure left it in a state that nobody proved. */
  health: 'serves' | 'restored' | 'unknown';
  /** When that was found. */
  at: string;
}
export interface Failure {
  version: string;
  release: string;
  at: string;
  code: string;
  reason: string;
  outcome: 'restored' | 'unchanged' | 'broken';
}
export interface Command {
  label: string;
  command: string;
}

/** What a next promotion would carry into a stage. */
export interface Changes {
  name: string;
  stage: string;
  from: { version: string; commit: string };
  /** What the stage has now; undefined where it has nothing. */
  to?: { version: string; commit: string };
  commits: { commit: string; author: string; at: string; subject: string }[];
  /** How many there are beyond those that are listed. */
  more: number;
  /** Sections of the changelog, newest first, as text. */
  changelog: { version: string; text: string }[];
  problem?: string;
}

export interface TimelineEvent {
  /** Place in the ledger, from 0. */
  order: number;
  at: string;
  type:
    | 'published'
    | 'promoted'
    | 'approved'
    | 'rolled-back'
    | 'held'
    | 'released'
    | 'deployed'
    | 'deploy-failed'
    | 'returned'
    | 'freeze-overridden';
  kind: 'packages' | 'services';
  stage: string;
  by: string;
  /** Of one artifact. */
  name?: string;
  project?: string;
  version?: string;
  /** One line about it, beyond what the other fields say. */
  text: string;
}
export interface Timeline {
  /** Of all events that the question is about. */
  total: number;
  /** Place of the first one in here, newest first. */
  from: number;
  events: TimelineEvent[];
}

/** All that is known of one artifact, on one sheet. */
export interface Evidence {
  name: string;
  project: string;
  version: string;
  kind: 'packages' | 'services';
  digest: string;
  size?: number;
  /** Set while it is held: nothing promotes it. */
  held?: { at: string; by: string; reason: string };
  builtFrom: { repository: string; root: string; commit: string; dirty: boolean; at: string; by: string };
  tools: [name: string, version: string][];
  dependencies: { name: string; version: string; range: string }[];
  images: [service: string, digest: string][];
  /** What certifies where it was built; undefined where nothing does. */
  provenance?: { sha256: string; commit: string; attested: boolean };
  stages: EvidenceStage[];
  /** What was tried on hosts, and each way back, newest first. */
  events: TimelineEvent[];
  commands: Command[];
}
export interface EvidenceStage {
  stage: string;
  /** Absent: it never entered. */
  entered?: {
    at: string;
    by: string;
    run: string;
    registry: string;
    digest: string;
    /** The digest is the one that was built. */
    same: boolean;
    verified?: 'bytes' | 'install';
    policy?: string;
    planHash?: string;
    conditions: { name: string; detail: string }[];
    approvals: Approval[];
    /** The batch file on the ledger's branch. */
    batch: string;
  };
  /** It was taken back here since. */
  gone?: boolean;
}
export interface Approval {
  by: string;
  at: string;
  comment?: string;
  expires?: string;
  /** Environment on GitHub whose reviewer this is. */
  environment?: string;
}
