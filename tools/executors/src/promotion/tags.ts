import semver from 'semver';

/**
 * The dist-tag a version belongs to: the stage's own for stable versions, the prerelease's name for prereleases
 * ("1.3.0-beta.1" -> "beta"; "1.3.0-0", which has no name -> "next"), so that a prerelease never becomes `latest`.
 */
export function distTagOf(version: string, stageTag: string): string {
  const prerelease = semver.prerelease(version);
  if (!prerelease) return stageTag;
  const name = prerelease[0];
  return typeof name === 'string' ? name : 'next';
}

/** Whether a tag that points to `current` may move to `version`: forward, or backward when a person says so. */
export function mayMove(version: string, current: string | undefined, backwards: boolean): boolean {
  if (current === undefined || current === version) return true;
  return backwards || semver.gt(version, current);
}

/**
 * Under this tag a version is put before it is proved. It names no promise to users ("the newest that was put here,
 * proved or not"); the tag that people install by moves last.
 */
export const CANDIDATE = 'candidate';
