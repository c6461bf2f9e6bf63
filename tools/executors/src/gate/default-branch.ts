import type { Repository } from '../git/index.ts';

/**
 * The default branch as this clone has it, without asking the remote: what the remote's HEAD is known to be, else
 * `init.defaultBranch`, `main` or `master`, else whatever is checked out. Undefined before the first commit.
 */
export async function defaultBranch(
  repository: Repository,
  remote: string,
): Promise<{ branch: string; commit: string } | undefined> {
  for (const branch of await candidates(repository, remote)) {
    const commit = await commitAt(repository, `refs/heads/${branch}`);
    if (commit) return { branch, commit };
  }
  const commit = await repository.head();
  if (!commit) return undefined;
  return { branch: (await repository.branch()) ?? 'HEAD', commit };
}

async function candidates(repository: Repository, remote: string): Promise<string[]> {
  const prefix = `refs/remotes/${remote}/`;
  const { code, stdout } = await repository.call(['symbolic-ref', '--quiet', `${prefix}HEAD`]);
  const known = code === 0 && stdout.startsWith(prefix) ? stdout.trim().slice(prefix.length) : undefined;
  const configured = await repository.config('init.defaultBranch');
  return [known, configured, 'main', 'master'].filter((name) => name !== undefined);
}

async function commitAt(repository: Repository, ref: string): Promise<string | undefined> {
  const { code, stdout } = await repository.call([
    'rev-parse',
    '--verify',
    '--quiet',
    '--end-of-options',
    `${ref}^{commit}`,
  ]);
  return code === 0 ? stdout.trim() : undefined;
}
