import type { Branch } from './sync.ts';
import { PATIENT } from './refs.ts';

/** `rejected`: the remote answered, and did not take it. */
export type Pushed = { outcome: 'done' } | { outcome: 'rejected' | 'unreachable'; said: string };

/** What git is asked for a push of the ledger; a dry run asks the remote for the same. */
export function pushArguments(remote: string, commit: string, branch: string, dryRun = false): string[] {
  return [
    'push',
    ...(dryRun ? ['--dry-run'] : []),
    '--porcelain',
    '--no-verify',
    '--no-follow-tags',
    '--no-signed',
    '--no-recurse-submodules',
    '--',
    remote,
    `${commit}:refs/heads/${branch}`,
  ];
}

/** Sends a commit as the ledger's new head, never by force. Git hooks of the work repository are for its sources. */
export async function push({ repository, branch, remote }: Branch, commit: string): Promise<Pushed> {
  const { code, stdout, stderr } = await repository.call([
    ...PATIENT,
    ...pushArguments(remote as string, commit, branch),
  ]);
  if (code === 0) return { outcome: 'done' };
  // A line that begins with "!" is the remote's own answer for the ref; without one there was no answer.
  return { outcome: /^!\t/m.test(stdout) ? 'rejected' : 'unreachable', said: stderr };
}
