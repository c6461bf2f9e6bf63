import semver from 'semver';
import type { Entry, LedgerState, Promoted, Published } from '../ledger/types.ts';
import type { Candidate } from './types.ts';

export interface Wanted {
  /** Last package stage. */
  stage: string;
  /** Packages; all without it. */
  names?: string[];
  /** Only what entered the stage at this instant or later; what is named counts whenever it came. */
  since: Date;
}

/**
 * Versions that stand in the stage and entered it not long ago, oldest first, with the one that each replaced. What came
 * long ago is left alone: whoever begins with this wants no flood of old releases. Pure.
 */
export function candidates(state: LedgerState, { stage, names, since }: Wanted): Candidate[] {
  const all = (names ?? state.packages()).flatMap((name): Candidate[] => {
    const standing = versions(state, stage, name);
    const newest = standing.map(({ record }) => record.version).sort(semver.rcompare)[0];
    return standing.flatMap((entry, i): Candidate[] => {
      const { version, integrity, project, at } = entry.record;
      const published = state.published(name, version);
      if (!published || state.hold(name, version)) return [];
      if (names ? version !== newest : new Date(at) < since) return [];
      const earlier = standing
        .slice(0, i)
        .map(({ record }) => record.version)
        .filter((one) => semver.lt(one, version))
        .sort(semver.rcompare)[0];
      return [
        {
          project: state.project(name) ?? project,
          name,
          version,
          integrity,
          entry,
          published,
          before: earlier === undefined ? undefined : state.published(name, earlier),
          isNewest: version === newest,
        },
      ];
    });
  });
  return all.sort((a, b) => a.entry.order - b.entry.order);
}

/** Each version once, by its newest entry, where it was not rolled back since. */
function versions(state: LedgerState, stage: string, name: string): Entry<Published | Promoted>[] {
  const seen = new Set(state.history(stage, name).map(({ record }) => record.version));
  return [...seen]
    .flatMap((version) => state.standing(stage, name, version) ?? [])
    .sort((a, b) => a.order - b.order);
}
