import type { Repository } from '../git/index.ts';

const SIDE_BY_SIDE = 4;

/** Files of the work tree that differ from each commit; a commit that this clone lacks is left out. Asks git once a commit and state of the tree. */
export async function filesSince(
  repository: Repository,
  commits: ReadonlySet<string>,
  known: ReadonlyMap<string, readonly string[]>,
): Promise<Map<string, readonly string[]>> {
  const found = new Map<string, readonly string[]>();
  const open = [...commits].filter((commit) => /^[0-9a-f]{7,64}$/.test(commit));
  const ask = async (): Promise<void> => {
    for (let commit = open.pop(); commit !== undefined; commit = open.pop()) {
      const { code, stdout } = await repository.call([
        'diff',
        '--name-only',
        '-z',
        '--no-renames',
        '--no-ext-diff',
        commit,
      ]);
      const files = code === 0 ? stdout.split('\0').filter(Boolean) : known.get(commit);
      if (files) found.set(commit, files);
    }
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, ask));
  return found;
}
