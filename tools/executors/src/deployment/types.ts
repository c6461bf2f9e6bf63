import type { SluiceError } from '../foundation/index.ts';
import type { GateDecision } from '../gate/types.ts';
import type { Host } from '../host/types.ts';
import type { LedgerState, RecordBody } from '../ledger/types.ts';
import type { Credentials } from '../registry/oci/types.ts';
import type { DatabaseConfig, Migration, ServiceBundle, ServiceStage } from '../service/types.ts';
import type { Answer, OutsideCheck } from './outside.ts';
import type { Variables } from './variables.ts';

/** What a release ran with; lies as `release.json` in its folder on every host, and (without `composeFile`) in the ledger. */
export interface ReleaseManifest {
  schemaVersion: 1;
  /** `<yyyymmddThhmmss>-<first 12 of the artifact's digest>`, UTC: sorts by time. */
  release: string;
  service: string;
  environment: string;
  project: string;
  name: string;
  version: string;
  /** The artifact's digest. */
  digest: string;
  /** Compose service -> full reference by digest. */
  images: Record<string, string>;
  /** sha256 over all that the files on the host are made of, but the variables' values and the release's name: equal for equal releases. */
  composeHash: string;
  /** Slow hash over names and values of all variables: tells that the environment differs, and nothing else. */
  environmentHash: string;
  /** Name of the last migration that the artifact holds. */
  databaseVersion: string | null;
  migrations: Migration[];
  /** Compose services that the proxy sends to, with their containers' names on the proxy's network. */
  upstreams: Upstream[];
  /** What a backup of this release holds, and what its restore puts back. */
  databases: DatabaseConfig[];
  volumes: string[];
  run: string;
  at: string;
}

export interface Upstream {
  service: string;
  route: string;
  /** `name:port` on the proxy's network, or `127.0.0.1:port` without a proxy. */
  addresses: string[];
  /** How it is proved that it serves; also after a rollback, which has nothing but the release's own snapshot. */
  health: { path: string; status: number; body?: string };
  /** Seconds until a started container must be healthy. */
  within: number;
  /** Seconds that requests in flight may take after the switch. */
  drain: number;
}

/** The rows of a deployment as a dry run prints them. */
export interface DeploymentPlan {
  schemaVersion: 1;
  pipeline: 'services';
  project: string;
  service: string;
  stage: string;
  action: 'deploy' | 'nothing' | 'refused';
  release: ReleaseManifest;
  /** Release that serves now, by host; undefined on a first deployment. */
  current: Record<string, string | undefined>;
  hosts: { name: string; wave: number; leader: boolean }[];
  pendingMigrations: Migration[];
  /** A pending migration is marked `contract`: after it the release before cannot be put back by itself. */
  blocksRollback: string | undefined;
  canary?: number;
  problem?: { code: string; what: string; state: string; next: string };
  gate?: GateDecision;
}

export type DeploymentOutcome =
  /** The new release serves and has baked. */
  | 'deployed'
  | 'nothing'
  /** It failed, and a check proved that the release before serves on all hosts. */
  | 'restored'
  /** It failed before anything was changed. */
  | 'unchanged'
  /** It failed, and something is not as it was: a person is needed. */
  | 'broken';

/** What may be deployed to an environment, as the ledger and the stage's registry say; made by `promotion`. */
export interface DeploymentSource {
  /**
   * The artifact that stands in the stage (promoted, not held, not rolled back since), or that `version` of it; undefined where
   * there is none. Its digest in the registry, and the bundle's sha256, were compared with the ledger.
   * @param version `sha-...` or a digest `sha256:...`
   */
  artifact(
    stage: ServiceStage,
    name: string,
    version?: string,
    signal?: AbortSignal,
  ): Promise<DeployableArtifact | undefined>;
  /** Why a version is held; undefined where it is not. */
  hold(name: string, version: string): Promise<string | undefined>;
}
export interface DeployableArtifact {
  project: string;
  name: string;
  version: string;
  /** Of the artifact: the image, or the index of a stack. */
  digest: string;
  /** Compose service -> reference by digest that a host pulls: `ghcr.io/acme/api@sha256:...`. */
  images: Record<string, string>;
  bundle: ServiceBundle;
  /** Bytes of all blobs: what a host must have room for. */
  size: number;
  /** What a host needs to pull; undefined: anonymous. */
  credentials?: Credentials;
  /** What the stage's gate says of it, where it was asked. */
  gate?: GateDecision;
  /** Release that the ledger says serves in the stage; null where it knows of none. */
  running?: string | null;
}

/** Writes what became of deployments; made over the ledger. */
export interface DeploymentRecords {
  /** Before anything is changed: throws where nobody could sign what will have to be written. */
  ready(): Promise<void>;
  /**
   * One batch: `deployed`, `deploy-failed`, `returned`, `held`. Returns the problem instead of throwing it: by now hosts have changed.
   */
  write(make: (state: LedgerState) => RecordBody[]): Promise<SluiceError | undefined>;
}

/** What a notification is made of. Never holds a secret. */
export interface DeploymentEvent {
  event: 'started' | 'succeeded' | 'failed' | 'rolled-back';
  action: 'deployment' | 'rollback';
  at: string;
  run: string;
  stage: string;
  project: string;
  version: string;
  digest: string;
  release: string;
  hosts: string[];
  /** The release that served before, where one did. */
  from?: string;
  /** For `failed` (a deployment or rollback), and for `rolled-back`: what is true now. */
  outcome?: DeploymentOutcome;
  error?: { code: string; what: string; state: string; next: string };
  /** For `rolled-back`: the release that was gone back to. */
  to?: string;
  ms?: number;
}
/** Awaited, but for a short while only, and never allowed to fail a deployment. */
export type Notify = (event: DeploymentEvent) => Promise<void>;

/** The files of a release as they come to lie on a host, made of bundle, stage and variables. Pure. */
export interface RenderedRelease {
  /** Name below the release's folder -> content. */
  files: Record<string, string>;
  upstreams: Upstream[];
  /** Compose services of other projects (databases, caches), started once and left alone. */
  accessories: boolean;
}
export interface RenderInput {
  bundle: ServiceBundle;
  stage: ServiceStage;
  release: string;
  run: string;
  /** Compose service -> reference by digest. */
  images: Record<string, string>;
  variables: Variables;
}

/** Everything that deployments need of the world. The command's own context makes it; tests make it of fakes. */
export interface DeploymentContext {
  env: Readonly<Record<string, string | undefined>>;
  /** Names this run on the hosts and in records. */
  run: string;
  /** Who holds the lock, in words: user, machine or CI run. */
  owner: string;
  source: DeploymentSource;
  records: DeploymentRecords;
  render: (input: RenderInput) => RenderedRelease;
  /** Opens nothing yet: the connection is made by the first phase. */
  openHost(stage: ServiceStage, name: string, service: string): Promise<Host>;
  notify?: Notify;
  /** Names of the targets, for messages. */
  targets: { 'deploy-vps': string; promote: string; rollback: string; releases: string };
  now?: () => Date;
  /** For tests: another network. */
  askOutside?: (check: OutsideCheck) => Promise<Answer>;
  /** For tests: a fast one. */
  environmentHash?: (variables: Variables, salt: string) => Promise<string>;
  /** For tests: time stands still unless they move it. */
  sleep?: (ms: number) => Promise<void>;
}
