import type { BackupOnHost, ReleaseOnHost } from '../backups.ts';

/**
 * Files of backups to remove: all verified ones but the last `keep`. Pinned ones stay and do not count, and what was not
 * verified neither goes nor counts. What `expired_backups` in phases/retention.sh has to decide.
 */
export function expiredBackups(
  backups: readonly Pick<BackupOnHost, 'file' | 'verified' | 'pinned'>[],
  keep: number,
): string[] {
  return newestFirst(
    backups.filter(({ verified, pinned }) => verified && !pinned).map(({ file }) => file),
  ).slice(Math.max(1, keep));
}

/**
 * Names of releases to remove. The current and the previous one stay and count; then the newest stay, those that failed last.
 * What `expired_releases` in phases/retention.sh has to decide.
 */
export function expiredReleases(
  releases: readonly Pick<ReleaseOnHost, 'release' | 'state' | 'current' | 'previous'>[],
  keep: number,
): string[] {
  const settled = releases.filter(({ current, previous }) => current || previous);
  const others = releases.filter(({ current, previous }) => !current && !previous);
  const names = (failed: boolean) =>
    newestFirst(others.filter(({ state }) => (state === 'failed') === failed).map(({ release }) => release));
  return [...names(false), ...names(true)].slice(Math.max(0, keep - settled.length));
}

const newestFirst = (names: string[]) => names.sort((a, b) => (a < b ? 1 : -1));
