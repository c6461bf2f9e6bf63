import { RAW_LOG, type Repository } from '../git/index.ts';
import type { BatchPlace } from './rows.ts';

/** Something in the branch that an append-only ledger cannot have. */
export interface Problem {
  path?: string;
  commit: string;
  problem: string;
  /** It is a batch that cannot be read: nothing can be told from this ledger. */
  corrupt?: true;
}

export interface History {
  /** Batches in the order of the commits that added them. */
  batches: BatchPlace[];
  problems: Problem[];
}

const BATCH = /^records\/\d{4}\/\d\d\/\d\d\/[\w.-]+\.json$/;

/**
 * What the commits after `from` (all without it) up to `to` did, in one pass of `git log`. Only what a commit adds counts:
 * a record that is changed or deleted later stays what it was, and the change is a problem.
 * `isKnown` tells the batches from before.
 */
export async function readHistory(
  repository: Repository,
  from: string | null,
  to: string,
  isKnown: (path: string) => boolean,
): Promise<History> {
  const batches: BatchPlace[] = [];
  const problems: Problem[] = [];
  const seen = new Set<string>();
  let commit = '';
  let parents = 0;
  let change: string[] | undefined;
  let added = 0;

  const read = (token: string) => {
    if (change) {
      const [, mode = '', , blob = '', status = ''] = change;
      change = undefined;
      judge(token, mode, blob, status);
    } else if (token.startsWith('commit ')) {
      const [, hash = '', ...above] = token.trimEnd().split(' ');
      [commit, parents, added] = [hash, above.length, 0];
      if (parents > 1) problems.push({ commit, problem: 'a merge: the ledger has one line of history' });
    } else if (token.startsWith(':') || token.startsWith('\n:')) {
      change = token.trimStart().split(' ');
    }
  };
  const judge = (path: string, mode: string, blob: string, status: string) => {
    const does = { D: 'deletes', M: 'changes', T: 'changes the kind of' }[status[0] ?? ''];
    if (does) problems.push({ path, commit, problem: `${does} a record that was written before` });
    else if (seen.has(path) || isKnown(path))
      problems.push({ path, commit, problem: 'adds a record a second time' });
    else if (!BATCH.test(path) || mode !== '100644')
      problems.push({ path, commit, problem: 'adds a file that is no batch' });
    else {
      if (++added === 2) problems.push({ path, commit, problem: 'adds more than one batch' });
      seen.add(path);
      batches.push({ path, blob, commit });
    }
  };

  let rest = '';
  const decoder = new TextDecoder();
  const onStdout = (chunk: Buffer) => {
    const tokens = (rest + decoder.decode(chunk, { stream: true })).split('\0');
    rest = tokens.pop() as string;
    for (const token of tokens) read(token);
  };
  const range = from === null ? [to] : [to, `^${from}`];
  const how = [...RAW_LOG, '-z', '--diff-merges=off'];
  await repository.run(['log', ...how, '--format=commit %H %P', ...range, '--'], { onStdout });
  if (rest !== '') read(rest);
  return { batches, problems };
}
