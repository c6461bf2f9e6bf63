import type { Repository } from '../git/index.ts';

/**
 * The ledger: an append-only record on a git branch. One commit adds one batch file
 * `records/<yyyy>/<mm>/<dd>/<id>.json` and touches nothing else; a batch carries one signature over all its records.
 */
export interface SourceInfo {
  /** Full commit hash of the sources. */
  commit: string;
  /** The work tree had changes that are not in the commit. */
  dirty: boolean;
}
export type Tools = Record<string, string>;

export interface Item {
  project: string;
  name: string;
  version: string;
  integrity: string;
}

interface Common {
  /** ISO 8601, UTC. */
  at: string;
  pipeline: 'packages' | 'services';
  /** Stable identity of the repository: the remote's host and path, or `root:<first commit>` without a remote. */
  repository: string;
  stage: string;
  /** Identity of the stage's registry (`Stage.identity`). */
  registry: string;
  /** Who or what wrote it: a principal of the approvers' file, or `unsigned`. */
  by: string;
  /** Names the run, for reading only. */
  run: string;
}

/** What makes a service's artifact out of its digest; the digest is the record's integrity. */
export interface PublishedImage {
  /** Version in package.json, where there is one. */
  label?: string;
  /** Name below the stage's `images`. */
  repository: string;
  mediaType: string;
  /** Compose service -> digest. */
  images: Record<string, string>;
  builder: string;
  /** What is attached to the image in its registry. */
  attachments: { artifactType: string; sha256: string; size: number }[];
}

/** What a release ran with, and where. */
export interface Deployment {
  release: string;
  hosts: string[];
  composeHash: string;
  /** Keyed: tells that the environment differs, and nothing else. */
  environmentHash: string;
  /** Name of the last migration that the artifact holds. */
  databaseVersion: string | null;
  /** Names of the migrations that this run made. */
  migrations?: string[];
  /** Name of the backup that was made before. */
  backup?: string;
  /** Release that served before; undefined on a first deployment. */
  previous?: string;
}

/** A run of GitHub Actions behind an environment, as its job's token and GitHub's API tell it. */
export interface EnvironmentRun {
  name: string;
  run: string;
  attempt: string;
  /** The commit that the run was started for. */
  sha: string;
  /** Login of the one who started it. */
  actor: string;
  /** Who approved the run for this environment. */
  approvals: RunApproval[];
}
export interface RunApproval {
  login: string;
  /** GitHub's number of the user: stays when the login changes. */
  id: number;
  comment: string;
  /** ISO instant at which the job read it; GitHub does not say when it was given. */
  read: string;
}

/** A user of GitHub who commented. */
export interface CommentingUser {
  login: string;
  /** GitHub's number of the user. */
  id: number;
  /** Of the comment. */
  url: string;
}

export type LedgerRecord =
  /** The artifact reached the first stage and reads back. */
  | (Common &
      Item & {
        type: 'published';
        /** Folder of the project in the repository, with `/`. */
        root: string;
        /** Packages alone: what npm knew before it had an integrity. */
        shasum?: string;
        size: number;
        tag: string;
        /** Services alone. */
        image?: PublishedImage;
        source: SourceInfo;
        tools: Tools;
        /** Workspace dependencies: name -> {version, range}. */
        dependencies: Record<string, { version: string; range: string }>;
        /** Set where the stage serves other bytes than it was given; it cannot be a source then. */
        serves?: string;
        /** The Sigstore bundle in this batch's attachments, the commit that its certificate names, and whether GitHub took it in. */
        provenance?: { sha256: string; commit: string; attested?: boolean };
      })
  /** The artifact reached a further stage, was verified there and has its tag. */
  | (Common &
      Item & {
        type: 'promoted';
        from: string;
        /** A service's first tag. */
        tag: string;
        /** Services alone: all tags that were set. */
        tags?: string[];
        /** The version that held the tag before; of a service the one that was promoted before. */
        previous?: string;
        verified: 'bytes' | 'install';
        planHash: string;
        /** Commit of the policy by which the gate was judged. */
        policy: string;
        /** Nonces of the approvals that this used up, for this item. */
        approvals: string[];
        /** What each condition of the gate said. */
        gate: { condition: string; detail: string }[];
        /** The GitHub environment that the job ran in; the batch's own signature proves it. */
        environment?: EnvironmentRun;
      })
  /** A person allows these digests into the stage. The batch's signature is the approval's signature. */
  | (Common & {
      type: 'approved';
      planHash: string;
      items: Item[];
      nonce: string;
      expires: string;
      /** Ledger head when it was signed: pins history. */
      ledgerHead: string | null;
      policy: string;
      comment?: string;
      /** Who gave it with a comment on GitHub, as the job that signs the batch read it. */
      user?: CommentingUser;
    })
  | (Common &
      Item & {
        type: 'rolled-back';
        tag: string;
        /** The version that the tag points to now; undefined where there was none to go back to. */
        to?: string;
        deprecated: boolean;
        reason: string;
        /** Dependents that were promoted against it. */
        dependents: string[];
      })
  /** Nothing promotes this digest until it is released by hand. */
  | (Common & Item & { type: 'held'; reason: string })
  | (Common & Item & { type: 'released'; reason: string })
  /** The release serves on all hosts of the stage, was verified there and has baked. */
  | (Common & Item & Deployment & { type: 'deployed' })
  /** A deployment (or a return) of this version did not come to its end. */
  | (Common &
      Item &
      Deployment & {
        type: 'deploy-failed';
        /** Code of the error. */
        code: string;
        reason: string;
        /** `restored`: the release before was proved to serve on all hosts. `unchanged`: nothing was touched. `broken`: neither. */
        outcome: 'restored' | 'unchanged' | 'broken';
      })
  /** A person went back: name, version and integrity are those that serve now. */
  | (Common &
      Item &
      Deployment & {
        type: 'returned';
        reason: string;
        /** What served before, where it is known. */
        left?: { release: string; version: string; integrity: string };
        /** Backup that the database was restored from. */
        restored?: string;
      })
  /** A freeze window of this stage does not count until `until`. */
  | (Common & { type: 'freeze-overridden'; reason: string; until: string });

/** `Omit` that keeps the union's members apart. */
type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
/** A record before the ledger adds what all of one run's records share. */
export type RecordBody = Without<LedgerRecord, 'at' | 'repository' | 'by' | 'run'>;

/** Over the canonical JSON of a batch's records. */
export type Signature =
  /** An armored SSH signature, namespace `sluice`. */
  | { format: 'sshsig'; principal: string; value: string }
  /** A token that GitHub made for the job that wrote the batch: its audience is the hash of the records, and of `seen`. */
  | {
      format: 'oidc';
      principal: string;
      value: string;
      /** The public key that signed the token: a claim, until somebody who is trusted knows it. */
      key: PublicKey;
      /** Thumbprints (RFC 7638) of all keys that the issuer served at that time. */
      seen: string[];
    };
/** A JSON Web Key without its private half. */
export type PublicKey = { kty?: string } & Record<string, unknown>;

export interface Batch {
  schemaVersion: 1;
  records: LedgerRecord[];
  /** Null where the profile allows unsigned records. */
  signature: Signature | null;
  /** What records name by its sha256 (hex), and is looked at only by whoever needs it. */
  attachments?: Record<string, string>;
}

/** A record together with where it stands; signatures are checked lazily, by batch. */
export interface Entry<R extends LedgerRecord = LedgerRecord> {
  record: R;
  /** Path of the batch file on the branch. */
  batch: string;
  /** Place in the ledger's order, from 0. */
  order: number;
}
export type Published = Extract<LedgerRecord, { type: 'published' }>;
export type Promoted = Extract<LedgerRecord, { type: 'promoted' }>;
export type Approved = Extract<LedgerRecord, { type: 'approved' }>;
export type Held = Extract<LedgerRecord, { type: 'held' }>;
export type Setback = Extract<LedgerRecord, { type: 'held' | 'released' | 'rolled-back' }>;

export type Deployed = Extract<LedgerRecord, { type: 'deployed' }>;
export type DeployFailed = Extract<LedgerRecord, { type: 'deploy-failed' }>;
export type Returned = Extract<LedgerRecord, { type: 'returned' }>;

/** What the records add up to; pure look-ups over folded records. */
export interface LedgerState {
  head: string | null;
  /** Number of records folded in. */
  count: number;
  /** How the artifact came to be; undefined where it was never recorded. */
  published(name: string, version: string): Entry<Published> | undefined;
  /** The record by which this version entered this stage (published or promoted; the newest where it entered twice). */
  entered(stage: string, name: string, version: string): Entry<Published | Promoted> | undefined;
  /** `entered`, but only where it was not rolled back in this stage since. */
  standing(stage: string, name: string, version: string): Entry<Published | Promoted> | undefined;
  /** All versions that entered a stage, oldest first. */
  history(stage: string, name: string): Entry<Published | Promoted>[];
  /** The newest entry into the stage that is not held and was not rolled back there since; the project's position. */
  position(stage: string, name: string): Entry<Published | Promoted> | undefined;
  /** `position`, held or not: what people who install from the stage get. */
  newest(stage: string, name: string): Entry<Published | Promoted> | undefined;
  /** The hold on this digest, if it is not released. */
  hold(name: string, version: string): Entry<Held> | undefined;
  /** What held, released or rolled back versions of this package, in any stage, oldest first. */
  setbacks(name: string): Entry<Setback>[];
  /** Approvals for a stage, newest first, spent ones included. */
  approvals(stage: string): Entry<Approved>[];
  /** Items ("name@version") that this approval was used for. */
  spent(nonce: string): Set<string>;
  /** Freeze overrides for a stage that end after `now`. */
  overrides(stage: string, now: Date): Entry<Extract<LedgerRecord, { type: 'freeze-overridden' }>>[];
  /** Package names that were ever published, sorted. */
  packages(): string[];
  /** Names of services that were ever published, sorted. */
  services(): string[];
  /** All that was tried on the hosts of a stage, oldest first. */
  deployments(stage: string, name: string): Entry<Deployed | DeployFailed | Returned>[];
  /** The newest record by which this version came to serve in this stage, whether it still does or not. */
  deployed(stage: string, name: string, version: string): Entry<Deployed | Returned> | undefined;
  /** What serves in this stage: the newest deployment or return that came to its end. */
  running(stage: string, name: string): Entry<Deployed | Returned> | undefined;
  /** Package or service name -> project name, from the newest record. */
  project(name: string): string | undefined;
  /** All records that are kept, in the ledger's order; none is parsed before somebody looks at it. */
  records(keep?: (row: RecordColumns, record: () => LedgerRecord) => boolean): Records;
}

/** What is known of a record without parsing it. */
export interface RecordColumns {
  type: LedgerRecord['type'];
  stage: string;
  /** '' for records that are not about one item. */
  name: string;
  version: string;
  pipeline: 'packages' | 'services';
}
/** A list whose entries are made when they are asked for. */
export interface Records {
  readonly length: number;
  at(index: number): Entry | undefined;
}

/** Signs a batch; made by `signing/`. */
export interface Signer {
  principal: string;
  /** `data` is the canonical JSON of the records. */
  sign(data: string): Promise<Signature>;
}

export interface Ledger {
  /** The git repository that holds the branch (in the local profile one of its own): for commit times, and for what was done to a path. */
  readonly repository: Repository;
  /** Fetches from the remote (if there is one) and folds; throws LEDGER_REWRITTEN, LEDGER_CORRUPT, LEDGER_UNREACHABLE. */
  refresh(): Promise<LedgerState>;
  /** The state as of the last refresh or append. */
  state(): Promise<LedgerState>;
  /**
   * Adds one commit with one batch. `make` is called with the newest state, again after each lost race, and returns
   * what is still to be recorded (possibly nothing: then no commit is made). Compare-and-swap on push; bounded retries.
   */
  append(
    make: (state: LedgerState) => RecordBody[],
    options: { run: string; signer?: Signer; now?: Date; attachments?: Record<string, string> },
  ): Promise<{ state: LedgerState; appended: LedgerRecord[] }>;
  /** The whole batch of an entry, with its signature. */
  batch(path: string): Promise<Batch>;
  /** Commit that added the batch. */
  commitOf(path: string): Promise<string>;
  /** Every problem in the branch's own structure: commits that change or delete records, merges, batches that do not parse. */
  audit(): Promise<{ path?: string; commit: string; problem: string }[]>;
  /** Whether `ancestor` is in the history of the branch at `commit`. */
  isAncestor(ancestor: string, commit: string): Promise<boolean>;
}
