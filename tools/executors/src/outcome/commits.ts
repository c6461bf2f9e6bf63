import type { Repository } from '../git/index.ts';
import type { Candidate } from './types.ts';

/** More of them are not looked up on GitHub: each is asked about there. */
const MOST = 250;

/** Commits that a version brings beyond the one before it, newest first, as far as they touch its project. */
export async function commitsOf(
  repository: Repository,
  { published, before }: Candidate,
): Promise<{ commits: { hash: string; message: string }[]; notes: string[] }> {
  const { source, root } = published.record;
  const base = before?.record.source.commit;
  const range = base === undefined ? [source.commit] : [source.commit, `^${base}`];
  const args = [
    'log',
    '-z',
    '--no-color',
    '--no-show-signature',
    '--format=%H%n%B',
    `--max-count=${MOST + 1}`,
    '--end-of-options',
    ...range,
    '--',
    root,
  ];
  const found = (await repository.run(args))
    .split('\0')
    .filter(Boolean)
    .map((entry) => {
      const end = entry.indexOf('\n');
      return { hash: entry.slice(0, end), message: entry.slice(end + 1).trim() };
    });
  return {
    commits: found.slice(0, MOST),
    notes:
      found.length > MOST
        ? [`only the newest ${MOST} commits were looked up for issues and pull requests`]
        : [],
  };
}
