import { durationMs } from '../pipeline/index.ts';
import type { GitHubEnvironmentOptions, SluiceOptions } from '../pipeline/types.ts';
import { environmentsOf } from '../workflows/index.ts';
import type { Wanted } from './types.ts';

/** The environments that the workflows use, and those that the options name beside them, each as the options want it. */
export function wantedEnvironments(options: SluiceOptions): Wanted[] {
  const settings = options.github.environments;
  const all = environmentsOf(options);
  const used = all.filter(({ name }, i) => all.findIndex((other) => sameName(other.name, name)) === i);
  const settingsOf = (name: string) => Object.entries(settings).find(([key]) => sameName(key, name))?.[1];
  const others = Object.keys(settings).filter((name) => !used.some((one) => sameName(one.name, name)));
  return [
    ...used.map(({ name, use }) => {
      const said = settingsOf(name);
      // Nobody may have to be asked while something is broken.
      return wanted(name, said ?? (use === 'rollback' ? { reviewers: [], wait: '0m' } : {}));
    }),
    ...others.map((name) => wanted(name, settings[name] ?? {})),
  ];
}

/** Environments that the stages take for different ones, and GitHub does not; a line for each. */
export function collisions(options: SluiceOptions): string[] {
  const all = environmentsOf(options);
  return all.flatMap(({ name, stage }, i) => {
    const other = all.slice(0, i).find((one) => sameName(one.name, name));
    return other
      ? [
          `${other.name} (of ${other.stage}) and ${name} (of ${stage}) are one environment for GitHub: the jobs of both wait for the same people, and have the same secrets`,
        ]
      : [];
  });
}

/** GitHub does not mind the case of an environment's name. */
export function sameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

function wanted(name: string, said: GitHubEnvironmentOptions): Wanted {
  const { reviewers, wait, preventSelfReview, branches } = said;
  return {
    name,
    ...(reviewers ? { reviewers } : {}),
    ...(wait === undefined ? {} : { waitMinutes: durationMs(wait) / 60_000 }),
    ...(preventSelfReview === undefined ? {} : { preventSelfReview }),
    ...(branches ? { branches } : {}),
  };
}
