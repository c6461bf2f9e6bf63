import { Secret } from '../foundation/index.ts';
import { backupInput, pruneInput, restoreInput, type DatabaseAccess } from '../host/index.ts';
import type { PhaseInput, PhaseName } from '../host/types.ts';
import type { Credentials } from '../registry/oci/types.ts';
import type { DatabaseConfig, MigrationsConfig, ServiceStage } from '../service/types.ts';
import type { ReturnedData } from './rollback-plan.ts';
import { tarOf } from './tar.ts';
import type { ReleaseManifest } from './types.ts';
import type { Variables } from './variables.ts';

/** All that the phases of a deployment or rollback are told; the same for every host. */
export interface Setting {
  stage: ServiceStage;
  service: string;
  run: string;
  owner: string;
  /** The release that is to serve. */
  release: ReleaseManifest;
  /** Files of its folder; a rollback finds them on the host. */
  files: Record<string, string>;
  accessories: boolean;
  variables: Variables;
  credentials?: Credentials;
  /** Room that images and backup take, in megabytes. */
  needMb: number;
  migrations?: MigrationsConfig;
  /** From its migration, or its restore, on the release before may not work with the database. */
  oneWay: boolean;
  /** Verified backups that are kept. */
  backups: number;
}

/** What only the moment knows. */
export interface PhaseOptions {
  /** Another release than the one that is to serve: the one before, when it is proved that it still does. */
  release?: ReleaseManifest;
  leader?: boolean;
  weight?: number;
  seconds?: number;
  canary?: boolean;
  /** Backup that data is restored from, and which. */
  file?: string;
  data?: readonly ReturnedData[];
  page?: 'on' | 'off';
}

/** Seconds that the one phase may take beyond what it waits for, before it counts as hanging. */
const LIMITS: Partial<Record<PhaseName, number>> = {
  pull: 1_800,
  backup: 3_600,
  migrate: 3_600,
  restore: 3_600,
};
const LIMIT = 120;

/** What phases wait for, as a person is told. */
const WAITS: Partial<Record<PhaseName, (options: PhaseOptions) => string | undefined>> = {
  health: () => 'its health checks to pass',
  switch: ({ weight = 100 }) => (weight === 100 ? 'requests at the old release to end' : undefined),
  watch: ({ canary }) => (canary ? 'the time of the canary to pass' : 'the bake time to pass'),
};

/** What a phase gets: values, and what is secret on its standard input. Pure; a dry run prints scripts made of the same. */
export function inputFor(setting: Setting, phase: PhaseName, options: PhaseOptions = {}): PhaseInput {
  const release = options.release ?? setting.release;
  const { values = {}, stdin, waits = 0 } = parts[phase]?.(setting, options, release) ?? {};
  const wait = WAITS[phase]?.(options);
  return {
    values: {
      RELEASE: release.release,
      ...values,
    },
    ...(stdin === undefined ? {} : { stdin }),
    timeoutMs: (waits + (LIMITS[phase] ?? LIMIT)) * 1_000,
    ...(wait !== undefined && waits > 0 ? { awaits: { for: wait, ms: waits * 1_000 } } : {}),
  };
}

interface Part {
  values?: Record<string, string>;
  stdin?: string;
  /** Seconds that the phase waits by itself. */
  waits?: number;
}

const lines = (list: string[]): string => list.join('\n');
const longest = (list: number[]): number => Math.max(0, ...list);

const parts: Partial<
  Record<PhaseName, (setting: Setting, options: PhaseOptions, release: ReleaseManifest) => Part>
> = {
  preflight: ({ stage, needMb, files }) => ({
    values: {
      NEED_MB: String(needMb),
      PROXY: stage.proxy,
      PORTS: stage.proxy === 'caddy' ? `${stage.ports.http} ${stage.ports.https}` : '',
      COMPOSE_CHECK: files['compose.yaml'] === undefined ? 'no' : 'yes',
    },
    stdin: files['compose.yaml'] ?? '',
  }),
  lock: ({ owner, stage }) => ({ values: { OWNER: owner, TTL: String(stage.leaseSeconds) } }),
  prepare: ({ files, release, accessories }) => ({
    values: { ACCESSORIES: accessories ? 'yes' : 'no' },
    // What is on the host already is not written anew: a rollback is to what was there.
    stdin: tarOf(
      Object.keys(files).length === 0
        ? {}
        : {
            ...files,
            'release.json': `${JSON.stringify(release, undefined, 2)}
`,
          },
    ),
  }),
  backup: ({ backups, variables }, _, { release, databases, volumes }) =>
    backupInput({ release, databases: accesses(databases, variables), volumes, keep: backups }),
  pull: ({ credentials }, _, { images }) => ({
    values: { IMAGES: lines(Object.values(images)) },
    ...(credentials ? { stdin: `${credentials.username}\n${credentials.password.reveal()}\n` } : {}),
  }),
  migrate: ({ migrations, oneWay }) => ({
    values: {
      COMPOSE_SERVICE: migrations?.service ?? '',
      COMMAND: lines(migrations?.command ?? []),
      CONTRACT: oneWay ? 'yes' : 'no',
    },
  }),
  health: (_, __, { upstreams }) => ({
    values: { PROBES: probes({ upstreams }) },
    waits: longest(upstreams.map(({ within }) => within)),
  }),
  switch: ({ oneWay }, { weight = 100 }, { upstreams }) => ({
    values: {
      WEIGHT: String(weight),
      DRAIN: String(longest(upstreams.map(({ drain }) => drain))),
      CONTRACT: oneWay ? 'yes' : 'no',
    },
    waits: longest(upstreams.map(({ drain }) => drain)),
  }),
  watch: (_, { seconds = 0, canary }, { upstreams }) => ({
    values: { SECONDS: String(seconds), CANARY: canary ? 'yes' : 'no', PROBES: probes({ upstreams }) },
    waits: seconds,
  }),
  prune: ({ stage, backups }) => pruneInput({ releases: stage.releases, backups }),
  restore: ({ variables }, { file, data = ['databases'] }, { release, databases, volumes }) =>
    restoreInput({
      release,
      ...(file ? { file } : {}),
      databases: data.includes('databases') ? accesses(databases, variables) : [],
      ...(data.includes('volumes') ? { volumes } : {}),
    }),
  maintenance: (_, { page = 'off' }) => ({ values: { PAGE: page } }),
};

function probes({ upstreams }: Pick<ReleaseManifest, 'upstreams'>): string {
  return lines(
    upstreams.flatMap(({ service, addresses, health, within }) =>
      addresses.map((address) =>
        [
          service,
          address,
          health.path,
          health.status,
          Buffer.from(health.body ?? '').toString('base64') || '-',
          within,
        ].join(' '),
      ),
    ),
  );
}

const accesses = (databases: DatabaseConfig[], variables: Variables): DatabaseAccess[] =>
  databases.map(({ kind, service, name, user, passwordVariable }) => {
    const value = variables[passwordVariable] ?? '';
    return { kind, service, name, user, password: value instanceof Secret ? value : new Secret(value) };
  });
