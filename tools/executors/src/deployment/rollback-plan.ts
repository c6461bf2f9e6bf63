import { errors } from '../foundation/index.ts';
import type { FoundBackup, FoundRelease } from './facts.ts';
import type { HostNow } from './plan.ts';
import { currentOf } from './plan.ts';
import type { ReleaseManifest } from './types.ts';

export interface ReturnRequest {
  project: string;
  /** A release, a version (`sha-...`) or a digest; the release before unless given. */
  to?: string;
  /** A backup's file; empty for the one that was made when the release was replaced. */
  restoreDatabase?: string;
  /** The volumes too; without `restoreDatabase` they alone. */
  restoreVolumes?: boolean;
  /** Has to be the project's name where data is restored. */
  confirm?: string;
  /** A person says that the release works with the database as it is, although a migration took something away. */
  acrossContract?: boolean;
  reason?: string;
}

export type ReturnedData = 'databases' | 'volumes';

/** What is known of hosts and ledger. */
export interface ReturnFacts {
  /** By host. */
  backups: Map<string, FoundBackup[]>;
  /** Version -> why it is held. */
  held: ReadonlyMap<string, string>;
  targets: { releases: string; 'deploy-vps': string };
}

/** What going back means, decided before anything is changed. */
export interface ReturnPlan {
  project: string;
  stage: string;
  /** What serves on the leader. */
  left: ReleaseManifest;
  to: ReleaseManifest;
  /** Backup that data is restored from. */
  restores?: string;
  /** What of it; nothing without a backup. */
  data: ReturnedData[];
  reason: string;
}

/**
 * Decides, without I/O, where a service goes back to. Undefined where it went back before: a repeated command does not go back
 * one more.
 * @throws RELEASE_NONE_BEFORE, RELEASE_UNKNOWN, HELD, RELEASE_GONE, ROLLBACK_ACROSS_CONTRACT, CONFIRM_MISSING, BACKUP_UNKNOWN
 */
export function planReturn(
  request: ReturnRequest & { name: string },
  stage: string,
  hosts: HostNow[],
  { backups, held, targets }: ReturnFacts,
): ReturnPlan | undefined {
  const { project, to, acrossContract } = request;
  const data = dataOf(request);
  const [leader] = hosts;
  const left = leader && currentOf(leader);
  if (!leader || !left) throw errors.RELEASE_NONE_BEFORE({ project, stage, releases: targets.releases });
  const target = to === undefined ? before(leader, left, held) : named(request, stage, leader, to);
  if (target === 'already') return undefined;
  if (!target) throw errors.RELEASE_NONE_BEFORE({ project, stage, releases: targets.releases });
  const reason = held.get(target.version);
  // What serves may be held already, by a rollback that stopped before its end; a restore onto it goes nowhere.
  if (reason !== undefined && target.release !== left.release)
    throw errors.HELD({ name: request.name, version: target.version, reason });
  const everywhere = hosts.every(
    (host) => host.truth.current === target.release && host.truth.serving === target.release,
  );
  if (everywhere && data.length === 0) return undefined;
  for (const host of hosts) checkSnapshot(request, stage, host, target, targets);
  const restores = data.length === 0 ? undefined : backupFor(request, leader.name, target, backups);
  const contract = takenAway(left, target);
  if (contract.length > 0 && !acrossContract && !data.includes('databases')) {
    throw errors.ROLLBACK_ACROSS_CONTRACT({
      project,
      release: target.release,
      migrations: contract,
      backup: fitting(backups.get(leader.name), target)?.file,
    });
  }
  return {
    project,
    stage,
    left,
    to: target,
    ...(restores === undefined ? {} : { restores }),
    data,
    reason: request.reason ?? 'rolled back',
  };
}

function dataOf({ restoreDatabase, restoreVolumes }: ReturnRequest): ReturnedData[] {
  return [
    ...(restoreDatabase === undefined ? [] : (['databases'] as const)),
    ...(restoreVolumes ? (['volumes'] as const) : []),
  ];
}

/** Those that served once: neither what failed nor what was never finished can be gone back to. */
const served = ({ state }: FoundRelease): boolean => state === 'stopped' || state === 'serving';

/** The newest release before the one that serves, and that is not held as bad; `already` where a newer one was left before. */
function before(
  { releases }: HostNow,
  left: ReleaseManifest,
  held: ReturnFacts['held'],
): ReleaseManifest | 'already' | undefined {
  const good = releases.filter(served).map(({ manifest }) => manifest);
  if (good.some(({ release }) => release > left.release)) return 'already';
  return good.findLast(({ release, version }) => release < left.release && !held.has(version));
}

function named(
  { project }: ReturnRequest,
  stage: string,
  { releases, truth }: HostNow,
  said: string,
): ReleaseManifest {
  const good = releases.filter((found) => served(found) || found.manifest.release === truth.current);
  const fits = ({ manifest }: FoundRelease) =>
    [manifest.release, manifest.version, manifest.digest].includes(said);
  const found = good.findLast(fits)?.manifest;
  if (found) return found;
  const has = good.map(({ manifest }) => `${manifest.release} (${manifest.version})`);
  throw errors.RELEASE_UNKNOWN({ project, stage, said, has });
}

function checkSnapshot(
  { project }: ReturnRequest,
  stage: string,
  { name: host, releases }: HostNow,
  { release, version }: ReleaseManifest,
  targets: { 'deploy-vps': string },
): void {
  const there = releases.some(({ manifest }) => manifest.release === release && manifest.version === version);
  if (there) return;
  const next = deployAnew(project, targets['deploy-vps'], stage, version);
  throw errors.RELEASE_GONE({ project, release, host, what: 'its snapshot', next });
}

export const deployAnew = (project: string, target: string, stage: string, version: string): string =>
  `npx nx run ${project}:${target}:${stage} -- --version=${version} (deploys the same image anew)`;

/** Migrations marked `contract` that the release to go back to does not know. */
function takenAway(left: ReleaseManifest, to: ReleaseManifest): string[] {
  const known = new Set(to.migrations.map(({ name }) => name));
  return left.migrations.filter(({ name, contract }) => contract && !known.has(name)).map(({ name }) => name);
}

function backupFor(
  { project, restoreDatabase = '', confirm }: ReturnRequest,
  host: string,
  target: ReleaseManifest,
  backups: Map<string, FoundBackup[]>,
): string {
  if (confirm !== project) throw errors.CONFIRM_MISSING({ project, said: confirm });
  const good = (backups.get(host) ?? []).filter(({ verified }) => verified);
  const found =
    restoreDatabase === '' ? fitting(good, target) : good.find(({ file }) => file === restoreDatabase);
  if (found) return found.file;
  throw errors.BACKUP_UNKNOWN({ project, host, said: restoreDatabase, has: good.map(({ file }) => file) });
}

/** The newest backup that was made while the release served. */
const fitting = (backups: FoundBackup[] | undefined, { release }: ReleaseManifest): FoundBackup | undefined =>
  backups?.findLast(({ verified, serving }) => verified && serving === release);
