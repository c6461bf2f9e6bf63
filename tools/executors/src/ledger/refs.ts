import { randomBytes } from 'node:crypto';
import type { Repository } from '../git/index.ts';

/** Several processes of one clone move these refs: wait for each other's locks instead of failing. */
export const PATIENT = ['-c', 'core.filesRefLockTimeout=5000', '-c', 'core.packedRefsTimeout=5000'] as const;

export interface RefNames {
  /** The ledger itself, in this clone. */
  local: string;
  /** The last head that the remote showed; without a remote, the last one seen here. */
  seen: string;
}

export function refNames(branch: string, hasRemote: boolean): RefNames {
  return { local: `refs/heads/${branch}`, seen: `refs/sluice/${hasRemote ? 'seen' : 'here'}/${branch}` };
}

/** Where a fetch puts the tip until it was judged. */
export const LANDING = 'refs/sluice/landing/';
const LEFT_AFTER_MS = 600_000;

/** One for each fetch; the time in it lets others clear away what a killed process left. */
export function landingRef(branch: string, now: number): string {
  return `${LANDING}${now}-${randomBytes(6).toString('hex')}/${branch}`;
}

/** Of these refs, the ones to clear away: what this fetch brought, and what nobody will come back for. */
export function landed(refs: Iterable<string>, landing: string, now: number): string[] {
  return [...refs].filter(
    (ref) =>
      ref.startsWith(landing) ||
      (ref.startsWith(LANDING) && Number.parseInt(ref.slice(LANDING.length), 10) + LEFT_AFTER_MS < now),
  );
}

/** Full names with hashes, of these refs and all below them. */
export async function readRefs(repository: Repository, ...patterns: string[]): Promise<Map<string, string>> {
  const text = await repository.run(['for-each-ref', '--format=%(objectname) %(refname)', ...patterns]);
  const lines = text.split('\n').filter((line) => line !== '');
  return new Map(
    lines.map((line) => {
      const space = line.indexOf(' ');
      return [line.slice(space + 1), line.slice(0, space)];
    }),
  );
}

export interface RefChange {
  ref: string;
  /** null deletes it. */
  to: string | null;
  /** What it must be before, null for absent; undefined for any value. */
  from?: string | null;
}

/** All or none; false where a ref was not what it had to be (another process was first). */
export async function moveRefs(repository: Repository, changes: RefChange[]): Promise<boolean> {
  const lines = changes.map(({ ref, to, from }) => {
    if (to === null) return `delete ${ref}\n`;
    if (from === null) return `create ${ref} ${to}\n`;
    return `update ${ref} ${to}${from === undefined ? '' : ` ${from}`}\n`;
  });
  if (lines.length === 0) return true;
  const args = [...PATIENT, 'update-ref', '--stdin'];
  const input = lines.join('');
  if ((await repository.call(args, { input })).code === 0) return true;
  const now = await readRefs(repository, ...changes.map(({ ref }) => ref));
  if (changes.some(({ ref, from }) => from !== undefined && (now.get(ref) ?? null) !== from)) return false;
  // Nobody was in the way: what git says now is the failure.
  await repository.run(args, { input });
  return true;
}
