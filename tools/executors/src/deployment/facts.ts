import { readReleases, type BackupOnHost } from '../host/index.ts';
import type { Fact, PhaseResult } from '../host/types.ts';
import type { ReleaseManifest } from './types.ts';

/** A release as it lies on one host. */
export interface FoundRelease {
  state: string;
  manifest: ReleaseManifest;
}
export type FoundBackup = BackupOnHost;
/** What one host says of a service in an environment. */
export interface HostTruth {
  /** Release that the host counts as the one that serves; undefined before the first. */
  current?: string;
  previous?: string;
  /** Release that the proxy (or, without one, compose) really sends to; several, with spaces between, while a canary runs. */
  serving?: string;
  /** `held` is the only state in which its run may do something. */
  lock?: { state: string; run: string; owner: string };
  /** What this run did. */
  journal: { run: string; step: string; what: string }[];
  containers: { release: string; service: string; image: string; state: string }[];
}

const one = (facts: Fact[], key: string): string | undefined =>
  facts.find((fact) => fact.key === key)?.value || undefined;
const all = (facts: Fact[], key: string): string[] =>
  facts.filter((fact) => fact.key === key).map(({ value }) => value);

/** What `truth` said. */
export function truthOf({ facts }: PhaseResult): HostTruth {
  const named = (key: string) => {
    const value = one(facts, key);
    return value === undefined ? {} : { [key]: value };
  };
  const lock = parsed<HostTruth['lock']>(one(facts, 'lock'));
  return {
    ...named('current'),
    ...named('previous'),
    ...named('serving'),
    ...(lock ? { lock } : {}),
    journal: all(facts, 'journal').map((line) => {
      const [, run = '', step = '', what = ''] = line.split(' ');
      return { run, step, what };
    }),
    containers: all(facts, 'container').flatMap((text) => {
      const found = parsed<{ image: string; state: string; labels: Record<string, string> }>(text);
      if (!found) return [];
      const { image, state, labels } = found;
      return [
        {
          release: labels['com.sluice.release'] ?? '',
          service: labels['com.sluice.part'] ?? '',
          image,
          state,
        },
      ];
    }),
  };
}

/** What `releases` said, oldest first. A release without a manifest is left out: nobody can go back to it. */
export function releasesOf(result: PhaseResult): { releases: FoundRelease[]; backups: FoundBackup[] } {
  const { releases, backups } = readReleases(result);
  return {
    releases: releases
      .flatMap(({ state, manifest }): FoundRelease[] =>
        manifest === undefined ? [] : [{ state, manifest: manifest as unknown as ReleaseManifest }],
      )
      .toReversed(),
    backups: backups.toReversed(),
  };
}

function parsed<T>(text: string | undefined): T | undefined {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as T);
  } catch {
    return undefined;
  }
}

export const factOf = (result: PhaseResult, key: string): string | undefined => one(result.facts, key);
