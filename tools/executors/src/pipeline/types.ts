import type { Secret } from '../foundation/index.ts';

export type Profile = 'local' | 'live';
/** The kinds of npm registries that differ in what they can do; see `registry/capabilities.ts`. */
export type RegistryKind = 'npm' | 'github' | 'verdaccio' | 'generic';

/** The options of the plugin as they stand in nx.json, after the schema filled in its defaults. */
export interface SluiceOptions {
  packages: { stages: PackageStageOptions[]; store?: { path: string } };
  /** `auto` unless said. */
  provenance?: boolean | 'auto';
  /** Another Sigstore than the public one; `trustedRoot` is a file of the workspace. */
  sigstore?: { fulcio: string; rekor: string; trustedRoot: string };
  services?: ServicesOptions;
  ledger: { branch: string; remote: string };
  /** Path of the allowed signers file (OpenSSH format), relative to the workspace root. */
  approvers: string;
  /** Who is told of promotions, deployments and rollbacks, beside the terminal and the CI job. */
  notifications: NotificationOptions[];
  /** Path of the file of revoked public keys (one a line, or an OpenSSH KRL). */
  revoked: string;
  github: GitHubOptions;
  /** The generated workflows; none without it. */
  workflows?: boolean | WorkflowOptions;
  /** What decides over the next versions of packages. */
  versioning: VersioningName;
  /** Names of the inferred targets. */
  targets: Record<TargetName, string>;
}
export type VersioningName = 'nx' | 'changesets' | 'semantic-release' | 'release-it';
export type TargetName =
  | 'build'
  | 'api-check'
  | 'publish-registry'
  | 'promote'
  | 'rollback'
  | 'smoke'
  | 'deploy-vps'
  | 'releases'
  | 'registries'
  | 'status'
  | 'board'
  | 'verify'
  | 'doctor'
  | 'approve';

export interface PackageStageOptions {
  name: string;
  registry?: string;
  kind?: RegistryKind;
  tokenEnv?: string;
  access?: 'public' | 'restricted';
  /** Tokens of CI jobs are exchanged for tokens of the registry. */
  trusted?: boolean;
  /** `staged`: a person approves each version in the registry before anybody can install it. */
  publish?: 'direct' | 'staged';
  /** How long a promotion waits for that, for instance "30m"; without it not at all. */
  approvedWithin?: string;
  gate?: GateOptions;
  /** `bytes` (default) reads back and compares; `install` also installs and imports. */
  verify?: 'bytes' | 'install';
  /** The dist-tag of stable versions; `latest` by default. */
  tag?: string;
  /** How long to wait until an accepted version is visible, for instance "5m". */
  visibleWithin?: string;
}
export interface ServicesOptions {
  /** `host[:port]/path` of the image registry, without the image's own name; only the local profile does without. */
  images?: string;
  usernameEnv?: string;
  tokenEnv?: string;
  stages: ServiceStageOptions[];
}
/** One place that is told. Addresses are secrets: they stand in the environment. */
export type NotificationOptions = {
  /** For the warning when it does not answer. */
  name?: string;
  /** Everything unless said. */
  on?: ('started' | 'approval-requested' | 'succeeded' | 'failed' | 'rolled-back')[];
  /** All stages unless said. */
  stages?: string[];
} & ({ webhookEnv: string; format?: 'slack' | 'json' } | { smtpEnv: string; from: string; to: string[] });
/** What the fields mean, and their defaults: `ServiceStage` in `service/types.ts`. */
export interface ServiceStageOptions {
  name: string;
  hosts?: string[];
  gate?: GateOptions;
  /** A registry of the stage's own. */
  images?: string;
  usernameEnv?: string;
  tokenEnv?: string;
  tags?: (string | TagRule)[];
  proxy?: 'caddy' | 'none';
  ports?: { http?: number; https?: number };
  folder?: string;
  parallel?: number;
  bake?: string;
  backups?: number;
  releases?: number;
  lease?: string;
  sshConfig?: string;
}
/** A tag that a promotion sets: text with `{stage}`, `{commit}`, `{version}`, `{label}` in it, and whether it may leave another digest. */
export interface TagRule {
  pattern: string;
  moves: boolean;
}

/** The repository on GitHub. Policy: what counts stands on the default branch. */
export interface GitHubOptions {
  /** `owner/name`; without it the ledger's remote says it. */
  repository?: string;
  /** Address of the REST API. */
  api: string;
  /** Who signs the tokens of jobs. */
  issuer: string;
  /** File names below `.github/workflows` whose jobs may sign records. */
  workflows: string[];
  /** Thumbprints (RFC 7638) of keys that the issuer does not serve any more. */
  formerKeys: string[];
  /** Branches beside the default one whose jobs may sign records. */
  branches: string[];
  environments: Record<string, GitHubEnvironmentOptions>;
}
/** What a GitHub environment asks for before a job in it begins. */
export interface GitHubEnvironmentOptions {
  /** Logins of users, and `organisation/team`. */
  reviewers?: string[];
  /** Wait timer: "10m". */
  wait?: string;
  preventSelfReview?: boolean;
  /** Patterns of the branches whose runs may use it; all without it. */
  branches?: string[];
}

/** The generated workflows. What is not said has the default of the schema, see `workflows/settings.ts`. */
export interface WorkflowOptions {
  branch?: string;
  deploy?: { branch?: string; pullRequests?: boolean; production?: string; onlyByHand?: boolean };
  runsOn?: string;
  node?: string;
  signingKey?: string;
  drift?: string;
}

export interface GateOptions {
  /** A GitHub environment. */
  environment?: string;
  approvals?: number | ApprovalOptions;
  /** How long the version must have stood in the stage before: "24h", "30m". */
  soak?: string;
  freeze?: FreezeWindow[];
  /** The stage before must have been verified: "install" asks for an install there, "bytes" for equal bytes. */
  verified?: 'bytes' | 'install';
}
export interface ApprovalOptions {
  count: number;
  /** Principals of the approvers' file who may approve; without it all of them. */
  from?: string[];
  /** Whether an author of what is promoted may approve it. Default false. */
  allowAuthor?: boolean;
}
/** No promotion starts between the two instants, or in the weekly window. */
export interface FreezeWindow {
  reason?: string;
  /** ISO 8601 instants. */
  from?: string;
  to?: string;
  /** Weekly, in the time zone given: days "fri".."sun", times "HH:MM". */
  days?: string[];
  between?: [string, string];
  timeZone?: string;
}

/** One package stage, ready for use: address and token are found, neighbours are known. */
export interface Stage {
  pipeline: 'packages';
  name: string;
  /** Place in the order, from 0. */
  index: number;
  /** Name of the stage before; undefined for the first. */
  before?: string;
  /** Absolute URL without a trailing slash. */
  registry: string;
  kind: RegistryKind;
  /** Stable name of the registry for the ledger: scheme-less host and path, or `default` without `registry`, or `local:<stage>`. */
  identity: string;
  token?: Secret;
  /** The variable a missing token should be put into, for messages. */
  tokenEnv: string;
  /** A job's own token is exchanged for one that publishes, where the job may ask for one. */
  trusted?: boolean;
  /** Set where versions are staged, and wait for a person's approval in the registry. */
  staged?: { approvedWithinMs: number };
  access: 'public' | 'restricted';
  tag: string;
  verify: 'bytes' | 'install';
  gate?: GateOptions;
  visibleWithinMs: number;
}
