import type { BranchRule, Change, Difference, Present, Setting, Wanted } from './types.ts';
import { sameName } from './wanted.ts';

/** What has to be done, one entry for each environment that is missing or differs; none where all is right. */
export function differences(wanted: Wanted[], present: Present[]): Difference[] {
  return wanted.flatMap((one) => {
    const there = present.find(({ name }) => sameName(name, one.name));
    const changes = changesOf(one, there ?? fresh(one.name));
    return there && changes.length === 0 ? [] : [{ wanted: one, present: there, changes }];
  });
}

/** As GitHub makes one of which nothing is said. */
export function fresh(name: string): Present {
  return { name, reviewers: [], waitMinutes: 0, preventSelfReview: false, branches: 'all' };
}

/** The difference as a person reads it, a line for each environment and one for each of its changes. */
export function describe(all: Difference[]): string[] {
  return all.flatMap(({ wanted: { name }, present, changes }) => [
    `${present ? '~' : '+'} ${name}${present ? '' : ' (new)'}`,
    ...changes.map(({ what, from, to }) => `    ${what}: ${present ? `${from} -> ` : ''}${to}`),
  ]);
}

function changesOf(
  wanted: Wanted,
  { reviewers, waitMinutes, preventSelfReview, branches }: Present,
): Change[] {
  const asked = wanted.reviewers ?? reviewers.map(({ name }) => name);
  return [
    ...change(
      'reviewers',
      namesOf(reviewers.map(({ name }) => name)),
      wanted.reviewers && namesOf(wanted.reviewers),
    ),
    ...change(
      'wait',
      minutes(waitMinutes),
      wanted.waitMinutes === undefined ? undefined : minutes(wanted.waitMinutes),
    ),
    // GitHub keeps it with the reviewers: where nobody is asked, it has no place.
    ...change(
      'no self-review',
      yes(preventSelfReview),
      wanted.preventSelfReview === undefined || asked.length === 0
        ? undefined
        : yes(wanted.preventSelfReview),
    ),
    ...change('branches', branchNames(branches), wanted.branches && list(wanted.branches)),
  ];
}

function change(what: Setting, from: string, to: string | undefined): Change[] {
  return to === undefined || from.toLowerCase() === to.toLowerCase() ? [] : [{ what, from, to }];
}

const list = (names: string[]): string => [...names].sort().join(', ');
const namesOf = (names: string[]): string => list(names.map((name) => name.toLowerCase())) || 'nobody';
const minutes = (count: number): string => `${count} min`;
const yes = (value: boolean): string => (value ? 'yes' : 'no');
const branchNames = (rule: BranchRule): string =>
  typeof rule === 'string' ? `${rule} branches` : list(rule.map(({ name }) => name));
