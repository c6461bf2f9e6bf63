import { errors } from '../foundation/index.ts';
import type { Repository } from '../git/index.ts';
import type { LedgerState } from '../ledger/types.ts';

/**
 * Where each project that is behind in this stage stands: the commit of its version there, or undefined where it never
 * got in. Behind is a project whose position in the stage before has not entered this stage; held versions do not count.
 */
export function behind(
  state: LedgerState,
  stage: string,
  before: string,
): { name: string; commit: string | undefined; waiting?: string }[] {
  return [...state.packages(), ...state.services()].flatMap((name) => {
    const waiting = state.position(before, name)?.record;
    if (!waiting) return [];
    if (state.standing(stage, name, waiting.version)?.record.integrity === waiting.integrity) return [];
    const here = state.position(stage, name)?.record;
    const source = state.published(name, waiting.version)?.record.source;
    // What was published from a tree with changes differs from its commit by what no comparison of commits shows.
    const comparable = here !== undefined && source !== undefined && !source.dirty;
    return [
      {
        name,
        commit: comparable ? state.published(name, here.version)?.record.source.commit : undefined,
        ...(source ? { waiting: source.commit } : {}),
      },
    ];
  });
}

/**
 * The commit for `nx affected --base`: no newer than the position of any project that is behind, so that nothing is
 * skipped. HEAD where nothing is behind; the empty tree where a project never got into the stage.
 * @throws SHALLOW_HISTORY where the clone does not have a commit that the answer depends on
 */
export async function baseCommit(
  repository: Repository,
  state: LedgerState,
  stage: string,
  before: string,
): Promise<string> {
  const waiting = behind(state, stage, before);
  if (waiting.length === 0) {
    const head = await repository.head();
    if (head === undefined) throw errors.NO_COMMIT(undefined);
    return head;
  }
  const commits = new Set<string>();
  for (const { commit } of waiting) {
    if (commit === undefined) return repository.emptyTree();
    commits.add(commit);
  }
  const shallow = await repository.isShallow();
  for (const commit of new Set(waiting.flatMap((one) => one.waiting ?? []))) {
    const { code } = await repository.call(['merge-base', '--is-ancestor', commit, 'HEAD']);
    if (code === 0) continue;
    if (shallow) throw errors.SHALLOW_HISTORY({ commit });
    // Released from elsewhere: HEAD need not differ from what the stage has.
    return repository.emptyTree();
  }
  for (const commit of commits) {
    const known = await repository.run(['cat-file', '-t', commit], { okCodes: [0, 1, 128] });
    if (known.trim() === 'commit') continue;
    if (shallow) throw errors.SHALLOW_HISTORY({ commit });
    // The commit is on no branch any more; only comparing with nothing skips nothing.
    return repository.emptyTree();
  }
  if (shallow && commits.size > 1) throw errors.SHALLOW_HISTORY({ commit: [...commits][0] ?? '' });
  const common = await repository.run(['merge-base', '--octopus', ...commits], { okCodes: [0, 1] });
  return common.trim() || repository.emptyTree();
}
