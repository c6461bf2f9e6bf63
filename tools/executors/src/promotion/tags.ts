import semver from 'semver';

/**
 * The dist-tag a version belongs to: the stage's own for stable versions, the prerelease's name for prereleases
 * ("1.3.0-beta.1" -> "beta"; "1.3.0-0", which has no name -> "next"), so that a prerelease never becomes `latest`.
 */
export function distTagOf(version: string, stageTag: string): string {
  const prerelease = semver.prerelease(version);
  if (!prerelease) return stageTag;
  const name = prerelease[0];
  // Registries refuse tags that read as a range ("x"), and what stable versions or we ourselves are found by is taken.
  const usable = typeof name === 'string' && semver.validRange(name) === null;
  return usable && ![stageTag, 'latest', CANDIDATE].includes(name) ? name : 'next';
}

/** Whether a tag that points to `current` may move to `version`: forward, or backward when a person says so. */
export function mayMove(version: string, current: string | undefined, backwards: boolean): boolean {
  if (current === undefined || current === version) return true;
  // Registries make a package's first version `latest` by themselves, also a prerelease: no stable version is behind that.
  if (semver.prerelease(current) && !semver.prerelease(version)) return true;
  return backwards || semver.gt(version, current);
}

/**
 * Under this tag a version is put before it is proved. It names no promise to users ("the newest that was put here,
 * proved or not"); the tag that people install by moves last.
 */
export const CANDIDATE = 'candidate';
