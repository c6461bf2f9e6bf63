import { errors } from '../foundation/index.ts';
import type { GitHubOptions } from '../pipeline/types.ts';

/** Owner and name of the repository, and its page. */
export interface Place {
  owner: string;
  repo: string;
  url: string;
}

/**
 * The repository that the options or the remote's identity (`github.com/acme/platform`) name.
 * @throws GITHUB_REPOSITORY_UNKNOWN
 */
export function placeOf(options: Pick<GitHubOptions, 'repository' | 'api'>, identity: string): Place {
  const web = webOf(options.api);
  const [host, ...path] = identity.split('/');
  // A server of a test answers for any host.
  const named = options.repository ?? (web.any || host === web.host ? path.join('/') : '');
  const [, owner, repo] = /^([^/]+)\/([^/]+)$/.exec(named) ?? [];
  if (!owner || !repo) throw errors.GITHUB_REPOSITORY_UNKNOWN({ identity, host: web.host });
  return { owner, repo, url: `${web.address}/${owner}/${repo}` };
}

/** Whether an address is one of this machine: no GitHub, so nothing that has to be spared. */
export function isLoopback(address: string): boolean {
  return /^(localhost|127(\.\d+){3}|\[::1\])$/.test(new URL(address).hostname);
}

/** Where people see what an API serves: api.github.com -> github.com, api.acme.ghe.com -> acme.ghe.com, host/api/v3 -> host. */
function webOf(api: string): { host: string; address: string; any: boolean } {
  if (isLoopback(api)) return { host: 'github.com', address: 'https://github.com', any: true };
  const { host } = new URL(api);
  const web = host === 'api.github.com' || host.endsWith('.ghe.com') ? host.replace(/^api\./, '') : host;
  return { host: web, address: `https://${web}`, any: false };
}
