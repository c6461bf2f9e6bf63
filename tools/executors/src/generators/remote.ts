import { normaliseRemote, openRepository } from '../git/index.ts';

/** `host/owner/name` of the git remote; undefined where there is none. */
export async function remoteOf(root: string): Promise<string | undefined> {
  const url = await openRepository(root)
    .then((repository) => repository.config('remote.origin.url'))
    .catch(() => undefined);
  return url ? normaliseRemote(url) : undefined;
}

/** The owner of a repository on GitHub. */
export const gitHubOwner = (remote: string | undefined): string | undefined =>
  /^github\.com\/([^/]+)\//.exec(remote ?? '')?.[1];
