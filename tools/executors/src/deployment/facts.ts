import type { Fact, PhaseResult } from '../host/types.ts';
import type { ReleaseManifest } from './types.ts';

/** A release as it lies on one host. */
export interface FoundRelease {
  state: string;
  manifest: ReleaseManifest;
}
export interface FoundBackup {
  file: string;
  bytes: number;
  release?: string;
  run?: string;
  verified: boolean;
  pinned: boolean;
  at?: string;
}
/** What one host says of a service in an environment. */
export interface HostTruth {
  /** Release that the host counts as the one that serves; undefined before the first. */
  current?: string;
  previous?: string;
  /** Release that the proxy (or, without one, compose) really sends to. */
  serving?: string;
  lock?: { run: string; owner: string };
  /** Lines `<iso time> <run> <step> <began|done|failed|undone> [detail]`. */
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
  const lock = one(facts, 'lock');
  return {
    ...named('current'),
    ...named('previous'),
    ...named('serving'),
    ...(lock === undefined ? {} : { lock: lockOf(lock) }),
    journal: all(facts, 'journal').map((line) => {
      const [, run = '', step = '', what = ''] = line.split(' ');
      return { run, step, what };
    }),
    containers: all(facts, 'containers').map((line) => {
      const [release = '', service = '', image = '', state = ''] = line.split(' ');
      return { release, service, image, state };
    }),
  };
}

function lockOf(text: string): { run: string; owner: string } {
  const fields = pairs(text);
  return { run: fields['run'] ?? '', owner: fields['owner'] ?? '' };
}

/** `key=value key=value ...`; a value ends where the next ` key=` begins. */
export function pairs(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [, key = '', value = ''] of text.matchAll(/(\w+)=(.*?)(?= \w+=|$)/gs)) found[key] = value;
  return found;
}

/** What `releases` said, oldest first. A manifest that nobody can read is left out: its release cannot be gone back to. */
export function releasesOf({ facts }: PhaseResult): { releases: FoundRelease[]; backups: FoundBackup[] } {
  return {
    releases: all(facts, 'release')
      .flatMap((text): FoundRelease[] => {
        const { state, ...manifest } = parsed<Partial<ReleaseManifest> & { state?: string }>(text) ?? {};
        return typeof manifest.release === 'string'
          ? [{ state: state ?? 'unknown', manifest: manifest as ReleaseManifest }]
          : [];
      })
      .sort((a, b) => (a.manifest.release < b.manifest.release ? -1 : 1)),
    backups: all(facts, 'backup').flatMap((text) => parsed<FoundBackup>(text) ?? []),
  };
}

function parsed<T>(text: string): T | undefined {
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}

export const factOf = (result: PhaseResult, key: string): string | undefined => one(result.facts, key);
