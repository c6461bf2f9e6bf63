import { durationMs } from './duration.ts';
import type { GitHubOptions } from './types.ts';

/** GitHub's own limit for a wait timer. */
const LONGEST_WAIT = '30d';

/** What the schema cannot say about the section `github`: one line for each broken rule, led by its path. */
export function githubProblems(github: GitHubOptions): string[] {
  return [
    ...(['api', 'issuer'] as const).flatMap((name) =>
      isSafe(github[name])
        ? []
        : [`github.${name}: must be https; http is for addresses of this machine alone`],
    ),
    ...sameName(Object.keys(github.environments)),
    ...Object.entries(github.environments).flatMap(([name, { wait }]) =>
      wait === undefined ? [] : waitProblems(`github.environments.${name}.wait`, wait),
    ),
  ];
}

/** A token, or the keys that tokens are checked by, must not travel in the clear. */
function isSafe(address: string): boolean {
  const { protocol, hostname } = new URL(address);
  return protocol === 'https:' || /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}

/** GitHub does not tell names apart that differ in case alone. */
function sameName(names: string[]): string[] {
  const first = new Map<string, string>();
  return names.flatMap((name) => {
    const other = first.get(name.toLowerCase());
    if (other === undefined) first.set(name.toLowerCase(), name);
    return other === undefined
      ? []
      : [`github.environments.${name}: is the environment "${other}" for GitHub`];
  });
}

function waitProblems(at: string, wait: string): string[] {
  const ms = durationMs(wait);
  if (ms > durationMs(LONGEST_WAIT)) return [`${at}: is longer than 30 days, the longest that GitHub waits`];
  return ms % 60_000 === 0 ? [] : [`${at}: must be whole minutes`];
}
