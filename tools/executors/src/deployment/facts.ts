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
  pinned: boolean;
  /** Read back after it was made; any other counts for nothing. */
  verified: boolean;
  /** Release that served when it was made. */
  serving?: string;
  at?: string;
}
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

interface SaidRelease {
  state?: string;
  manifest?: ReleaseManifest | null;
}
interface SaidBackup extends Omit<FoundBackup, 'verified'> {
  manifest?: { verified?: string; serving?: string; at?: string } | null;
}

/** What `releases` said, oldest first. A release without a manifest is left out: nobody can go back to it. */
export function releasesOf({ facts }: PhaseResult): { releases: FoundRelease[]; backups: FoundBackup[] } {
  return {
    releases: all(facts, 'release')
      .flatMap((text): FoundRelease[] => {
        const { state = '', manifest } = parsed<SaidRelease>(text) ?? {};
        return manifest?.release === undefined ? [] : [{ state, manifest }];
      })
      .sort((a, b) => (a.manifest.release < b.manifest.release ? -1 : 1)),
    backups: all(facts, 'backup')
      .flatMap((text): FoundBackup[] => {
        const { file, bytes = 0, pinned = false, manifest } = parsed<SaidBackup>(text) ?? {};
        if (file === undefined) return [];
        const { serving, at } = manifest ?? {};
        return [
          {
            file,
            bytes,
            pinned,
            verified: Boolean(manifest?.verified),
            ...(serving ? { serving } : {}),
            ...(at ? { at } : {}),
          },
        ];
      })
      .sort((a, b) => (a.file < b.file ? -1 : 1)),
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
