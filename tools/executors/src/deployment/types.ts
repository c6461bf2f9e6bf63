import type { GateDecision } from '../gate/types.ts';
import type { Migration } from '../service/types.ts';

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
  /** sha256 of the files on the host. */
  composeHash: string;
  /** Keyed hash over names and values of all variables: tells that the environment differs, and nothing else. */
  environmentHash: string;
  /** Name of the last migration that the artifact holds. */
  databaseVersion: string | null;
  migrations: Migration[];
  /** Compose services that the proxy sends to, with their containers' names on the proxy's network. */
  upstreams: { service: string; route: string; addresses: string[] }[];
  run: string;
  at: string;
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
