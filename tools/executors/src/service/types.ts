import type { GateOptions } from '../pipeline/types.ts';

/**
 * `sluice.json` beside a project's package.json makes the project a service. It says what is deployed and how it is proved;
 * where it goes stands in nx.json. `service.schema.json` is the one source of these options.
 */
export interface ServiceConfig {
  /** Compose file, relative to the project; `compose.yaml` unless said. The same file serves a laptop. */
  compose: string;
  /** Compose services whose images this project builds: several make it a stack, built, promoted, deployed and rolled back as one. */
  images: Record<string, ImageConfig>;
  /** Compose services that people reach through the proxy. */
  http: Record<string, HttpConfig>;
  migrations?: MigrationsConfig;
  databases: DatabaseConfig[];
  /** Named volumes of the compose file that a backup holds (uploads, logs); volumes of databases are dumped instead. */
  volumes: string[];
  /** Values for the variables of the compose file, where the stage says no other: never secrets. */
  environment: Record<string, string>;
  /** Variables of the compose file whose values come from the deployer's environment (or `--env-file`) and are never shown or recorded. */
  secrets: string[];
  smoke?: SmokeConfig;
  /** What differs between environments, by stage name. */
  stages: Record<string, ServiceStageConfig>;
}
export interface ImageConfig {
  /** Relative to `context`. */
  dockerfile: string;
  /** Build context relative to the project; `.` unless said. */
  context: string;
  target?: string;
  args: Record<string, string>;
  /** `linux/amd64`, ...; the builder's own where empty. Several make a multi-platform index (BuildKit alone). */
  platforms: string[];
}
export interface HttpConfig {
  /** Port in the container. */
  port: number;
  health: { path: string; status: number; body?: string };
  /** Seconds until a started container must be healthy; 60 unless said. */
  healthWithin: string;
  /** How long requests in flight may take after the switch; "30s" unless said. */
  drain: string;
  /** Path prefix under the stage's hostname that goes to this service; `/` unless said. */
  path: string;
}
export interface MigrationsConfig {
  /** Compose service whose image runs them. */
  service: string;
  /** argv in the container. */
  command: string[];
  /** Glob below the project. A file with the line `-- sluice: contract` takes something away that the release before needs. */
  files?: string;
}
export interface DatabaseConfig {
  /** Compose service of the database, which is not built by this project. */
  service: string;
  kind: 'mysql' | 'postgres';
  /** Name of the database. */
  name: string;
  /** User that may dump and restore. */
  user: string;
  /** Variable of `secrets` (or `environment`) that holds the user's password. */
  passwordVariable: string;
}
export interface SmokeConfig {
  /** Compose file of the smoke test, relative to the project; the service's own unless said. */
  compose?: string;
  checks: { service: string; path: string; status: number; body?: string; contentType?: string }[];
  /** Requests a second, and for how long; every answer must be the expected one. */
  load?: { service: string; path: string; rate: number; seconds: number };
}
export interface ServiceStageConfig {
  /** Host names that the proxy answers for; without any it answers for all on its HTTP port. */
  hostnames?: string[];
  environment?: Record<string, string>;
  /** Containers of each compose service side by side (proxy only). */
  replicas?: number;
  backup?: { keep?: number };
}

/** One migration file, as the artifact lists it. */
export interface Migration {
  name: string;
  sha256: string;
  contract: boolean;
}

/**
 * What travels with the images, made by `build`, attached to them in the registry, so that a deployment and a rollback use what
 * was built and not what lies in some checkout.
 */
export interface ServiceBundle {
  schemaVersion: 1;
  project: string;
  /** Text of the compose file as it was at the build. */
  compose: string;
  /** Text of the smoke test's compose file, where it has one of its own. */
  smokeCompose?: string;
  config: Omit<ServiceConfig, 'images'>;
  /** Compose service -> digest of its image, manifest or index (`sha256:...`). */
  images: Record<string, string>;
  migrations: Migration[];
}

/** An environment that releases are deployed to, ready for use. */
export interface ServiceStage {
  pipeline: 'services';
  name: string;
  index: number;
  /** The stage before; the images' registry (`IMAGES`) for the first. */
  before: string;
  /** `host[:port]/path` without scheme and the image's own name. */
  images: string;
  /** Identity of the registry in records. */
  identity: string;
  /** Plain HTTP: only ever on loopback. */
  insecure: boolean;
  hosts: string[];
  gate?: GateOptions;
  /** Tags that a promotion sets. Where `moves`, a tag with another digest is moved; else that is an error. */
  tags: { pattern: string; moves: boolean }[];
  proxy: 'caddy' | 'none';
  ports: { http: number; https: number };
  /** State folder on the hosts: absolute, or below the deploy user's home. */
  folder: string;
  /** Hosts at once after the first one. */
  parallel: number;
  bakeMs: number;
  /** Verified backups that are kept for each service. */
  backups: number;
  /** Releases that are kept, the current and the previous among them. */
  releases: number;
  /** Seconds without a heartbeat after which a host puts itself back and gives up the lock. */
  leaseSeconds: number;
  /** File given to `ssh -F`, relative to the workspace. */
  sshConfig?: string;
}

/** Beside a project's package.json it makes the project a service. */
export const SERVICE_FILE = 'sluice.json';

/** The registry that `publish-registry` pushes images to, as the stage before the first one. No stage may have this name. */
export const IMAGES = 'images';
