import { errors, type Secret } from '../foundation/index.ts';
import type { DatabaseConfig } from '../service/types.ts';
import type { PhaseInput, PhaseResult } from './types.ts';

/** A database that a backup dumps and a restore puts back. */
export interface DatabaseAccess extends Pick<DatabaseConfig, 'kind' | 'service' | 'name' | 'user'> {
  password: Secret;
}

/** Values and standard input of `backup`. `release` is the one being deployed; `keep` undefined leaves the others to `prune`. */
export function backupInput(options: {
  release: string;
  databases: readonly DatabaseAccess[];
  volumes: readonly string[];
  keep?: number;
}): PhaseInput & { values: Record<string, string> } {
  const { values, stdin } = databaseInput(options.databases);
  return {
    values: {
      ...values,
      RELEASE: options.release,
      VOLUMES: options.volumes.join('\n'),
      ...(options.keep !== undefined && { KEEP: String(options.keep) }),
    },
    stdin,
  };
}

/** Values and standard input of `restore`. Without `file`: the backup taken by the deployment that replaced `release`. */
export function restoreInput(options: {
  release?: string;
  file?: string;
  databases: readonly DatabaseAccess[];
  /** Named here, they are restored as well. */
  volumes?: readonly string[];
}): PhaseInput & { values: Record<string, string> } {
  const { values, stdin } = databaseInput(options.databases);
  return {
    values: {
      ...values,
      ...(options.release !== undefined && { RELEASE: options.release }),
      ...(options.file !== undefined && { FILE: options.file }),
      ...(options.volumes && { VOLUMES: options.volumes.join('\n'), RESTORE_VOLUMES: 'yes' }),
    },
    stdin,
  };
}

/** Values of `prune`. The current and the previous release are kept whatever the numbers say. */
export function pruneInput(keep: { releases: number; backups: number }): PhaseInput & {
  values: Record<string, string>;
} {
  return { values: { KEEP_RELEASES: String(keep.releases), KEEP_BACKUPS: String(keep.backups) } };
}

/**
 * A line a database, and in the same order a line a password.
 * @throws CONFIG_INVALID for a name that cannot stand in a line
 */
function databaseInput(databases: readonly DatabaseAccess[]): {
  values: Record<string, string>;
  stdin: string;
} {
  const problems = databases.flatMap(({ service, name, user }, index) =>
    Object.entries({ service, name, user })
      .filter(([, value]) => value === '' || /[\t\n\r\0]/.test(value))
      .map(
        ([field]) => `databases[${index}].${field}: must hold something, and neither tabs nor line breaks`,
      ),
  );
  if (problems.length > 0) throw errors.CONFIG_INVALID({ file: 'sluice.json', problems });
  const lines = databases.map(({ kind, service, name, user }) => [kind, service, name, user].join('\t'));
  return {
    values: { DATABASES: lines.join('\n') },
    stdin: databases.map(({ password }) => `${asLine(password.reveal())}\n`).join(''),
  };
}

/** On one line, as `printf %b` in the database's container reads it. */
function asLine(secret: string): string {
  return secret.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\t', '\\t');
}

export type ReleaseState = 'started' | 'healthy' | 'serving' | 'stopped' | 'failed';
export interface ReleaseOnHost {
  release: string;
  /** Empty where a deployment was cut off before it wrote one. */
  state: ReleaseState | '';
  current: boolean;
  previous: boolean;
  version: string | undefined;
  digest: string | undefined;
  /** When it was first deployed here. */
  at: string | undefined;
  /** All of `release.json`; undefined where it is gone or damaged: nothing can be rolled back to it. */
  manifest: Record<string, unknown> | undefined;
}
export interface BackupOnHost {
  file: string;
  bytes: number;
  /** UTC; from the name where the manifest is gone. */
  at: string;
  verified: boolean;
  pinned: boolean;
  tables: number | undefined;
  /** The release that served then, and the one whose deployment took it. */
  serving: string | undefined;
  release: string | undefined;
  databases: { kind: string; service: string; name: string; tables: number }[];
  volumes: string[];
}

/** Newest first. */
export function readReleases(result: PhaseResult): { releases: ReleaseOnHost[]; backups: BackupOnHost[] } {
  return {
    releases: all(result, 'release').map((line) => {
      const said = JSON.parse(line) as {
        release: string;
        state: ReleaseState | '';
        current: boolean;
        previous: boolean;
        manifest: string;
      };
      const manifest = readObject(said.manifest);
      return {
        ...said,
        version: text(manifest?.['version']),
        digest: text(manifest?.['digest']),
        at: text(manifest?.['at']),
        manifest,
      };
    }),
    backups: all(result, 'backup').map((line) => {
      const { manifest: beside, ...said } = JSON.parse(line) as {
        file: string;
        bytes: number;
        pinned: boolean;
        manifest: string;
      };
      const manifest = readObject(beside);
      return {
        ...said,
        at: text(manifest?.['at']) ?? timeIn(said.file),
        verified: text(manifest?.['verified']) !== undefined,
        tables: typeof manifest?.['tables'] === 'number' ? manifest['tables'] : undefined,
        serving: text(manifest?.['serving']),
        release: text(manifest?.['release']),
        databases: (manifest?.['databases'] ?? []) as BackupOnHost['databases'],
        volumes: (manifest?.['volumes'] ?? []) as string[],
      };
    }),
  };
}

const all = (result: PhaseResult, key: string) =>
  result.facts.filter((fact) => fact.key === key).map(({ value }) => value);
const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined);

function readObject(json: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** `backup_staging_20260102T030405Z.tar.gz` -> `2026-01-02T03:04:05Z` */
function timeIn(file: string): string {
  const [, date = '', time = ''] = /_(\d{8})T(\d{6})Z\.tar\.gz$/.exec(file) ?? [];
  return `${date.replace(/(....)(..)(..)/, '$1-$2-$3')}T${time.replace(/(..)(..)(..)/, '$1:$2:$3')}Z`;
}
