import { errors } from '../foundation/index.ts';
import type { Repository } from './repository.ts';

export interface Change {
  /** Full hash. */
  commit: string;
  /** Lower-case e-mail addresses of author, committer and `Co-authored-by` trailers, each once. */
  authors: string[];
}

const FIELD = '\u001f';
const FORMAT = `--format=%H%x1f%ae%x1f%ce%x1f%(trailers:key=Co-authored-by,valueonly,unfold,separator=%x1f)`;

/** See `Repository.changesBetween`. @throws GIT_SHALLOW where the clone does not reach back to `base` */
export async function changesBetween(
  repository: Repository,
  base: string | undefined,
  head: string,
  paths: readonly string[],
): Promise<Change[]> {
  if (base === undefined) {
    if (await repository.isShallow()) throw errors.GIT_SHALLOW({ wanted: `every change up to ${head}` });
  } else {
    // Only for its complaint: a shallow clone that ends between the two would show too few authors.
    await repository.isAncestor(base, head);
  }
  const range = base === undefined ? [head] : [head, `^${base}`];
  // Simplified history would leave out side branches whose result a merge discarded, and with them their authors.
  const args = [
    'log',
    '-z',
    '--full-history',
    '--no-color',
    '--no-show-signature',
    FORMAT,
    '--end-of-options',
    ...range,
    '--',
    ...paths,
  ];
  const text = await repository.run(args);
  return text
    .split('\0')
    .filter((entry) => entry !== '')
    .map((entry) => {
      const [commit = '', ...people] = entry.split(FIELD);
      return { commit, authors: [...new Set(people.map(emailOf).filter((email) => email !== ''))] };
    });
}

function emailOf(person: string): string {
  return (/<([^<>]*)>\s*$/.exec(person)?.[1] ?? person).trim().toLowerCase();
}
