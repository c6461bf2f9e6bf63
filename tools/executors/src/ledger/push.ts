import type { Branch } from './sync.ts';
import { PATIENT } from './refs.ts';

/** `rejected`: the remote answered, and did not take it. */
export type Pushed = { outcome: 'done' } | { outcome: 'rejected' | 'unreachable'; said: string };

/** Sends a commit as the ledger's new head, never by force. Git hooks of the work repository are for its sources. */
export async function push({ repository, branch, remote }: Branch, commit: string): Promise<Pushed> {
  const { code, stdout, stderr } = await repository.call([
    ...PATIENT,
    'push',
    '--porcelain',
    '--no-verify',
    '--no-follow-tags',
    '--no-signed',
    '--no-recurse-submodules',
    '--',
    remote as string,
    `${commit}:refs/heads/${branch}`,
  ]);
  if (code === 0) return { outcome: 'done' };
  // A line that begins with "!" is the remote's own answer for the ref; without one there was no answer.
  return { outcome: /^!\t/m.test(stdout) ? 'rejected' : 'unreachable', said: stderr };
}
