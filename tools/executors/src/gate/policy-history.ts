import { policyFrom, type Policy } from './policy.ts';
import type { Repository } from '../git/index.ts';

/** The policies of the past: history is judged by the policy of its time, with the revocations of today. */
export interface PolicyHistory {
  /** The policy as this commit had it; undefined where the commit is not on the default branch or has none. */
  at(commit: string): Promise<Policy | undefined>;
  /** The policy that the default branch had at an instant; the first one for earlier instants. */
  asOf(instant: Date): Promise<Policy>;
}

/** Looks back from today's policy. Each policy is read once, however many records go by it. */
export function policyHistory(input: {
  repository: Repository;
  policy: Policy;
  optionsFile?: string;
}): PolicyHistory {
  const { repository, policy, optionsFile = 'nx.json' } = input;
  const read = new Map<string, Promise<Policy | undefined>>([[policy.commit, Promise.resolve(policy)]]);
  let changes: Promise<Change[]> | undefined;

  const at = (commit: string): Promise<Policy | undefined> => {
    const found = read.get(commit) ?? onBranch(commit);
    read.set(commit, found);
    return found;
  };
  const onBranch = async (commit: string): Promise<Policy | undefined> => {
    if (!/^[0-9a-f]{40,64}$/.test(commit)) return undefined;
    if (!(await repository.isAncestor(commit, policy.commit))) return undefined;
    if ((await repository.show(commit, optionsFile)) === undefined) return undefined;
    const { branch, revoked, formerKeys } = policy;
    return policyFrom({ repository, branch, commit, optionsFile, revoked, formerKeys });
  };
  const asOf = async (instant: Date): Promise<Policy> => {
    changes ??= policyChanges(repository, policy.commit, [optionsFile, policy.options.approvers]);
    const list = await changes;
    const change = list.find((one) => one.at <= instant) ?? list.at(-1);
    return (change && (await at(change.commit))) ?? policy;
  };
  return { at, asOf };
}

interface Change {
  commit: string;
  at: Date;
}

/** Where the default branch itself changed its rules, newest first; what happened on the way to a merge did not count. */
async function policyChanges(repository: Repository, head: string, paths: string[]): Promise<Change[]> {
  const args = ['log', '--first-parent', '-m', '--format=%H %ct', '--end-of-options', head, '--', ...paths];
  const text = await repository.run(args);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [commit = '', seconds] = line.split(' ');
      return { commit, at: new Date(Number(seconds) * 1000) };
    });
}
