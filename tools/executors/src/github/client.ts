import { errors, Secret } from '../foundation/index.ts';
import type { GitHubOptions } from '../pipeline/types.ts';
import { refusal, statusOf } from './answers.ts';
import { placeOf } from './repository.ts';
import type { clientClass } from './octokit.ts';
import type { GitHub, Params } from './types.ts';

export interface GitHubInput {
  options: Pick<GitHubOptions, 'repository' | 'api'>;
  /** Identity of the ledger's remote: `github.com/acme/platform`. */
  identity: string;
  env: NodeJS.ProcessEnv;
  fetch?: typeof globalThis.fetch;
  /** Length of a second while waiting, in milliseconds; tests have shorter ones. */
  secondMs?: number;
}

type Client = InstanceType<ReturnType<typeof clientClass>>;

/** The token's variable; the first that is set counts. */
export const TOKEN_VARIABLES = ['GITHUB_TOKEN', 'GH_TOKEN'] as const;

/** The token of this environment, if there is one. */
export function githubToken(env: NodeJS.ProcessEnv): Secret | undefined {
  const value = TOKEN_VARIABLES.map((name) => env[name]?.trim()).find(Boolean);
  return value === undefined ? undefined : new Secret(value);
}

/**
 * The repository on GitHub that options or remote name. Nothing is asked yet; without a token the first request says so.
 * @throws GITHUB_REPOSITORY_UNKNOWN
 */
export function openGitHub(input: GitHubInput): GitHub {
  const api = input.options.api.replace(/\/+$/, '');
  const { owner, repo, url } = placeOf(input.options, input.identity);
  const token = githubToken(input.env);
  // Loaded when something is asked: most commands ask nothing, and start sooner without.
  const Client = once(async () => (await import('./octokit.ts')).clientClass(input, api, `${owner}/${repo}`));
  const client = once(async () => {
    const Made = await Client();
    return new Made({ baseUrl: api, ...(token ? { auth: token.reveal() } : {}) });
  });

  /** What a route does not name would become a parameter of the query. */
  const place = (route: string): Params => (route.includes('{owner}/{repo}') ? { owner, repo } : {});
  async function ask<T>(
    route: string,
    params: Params,
    send: (octokit: Client, all: Params) => Promise<T>,
  ): Promise<T> {
    if (!token) throw errors.GITHUB_TOKEN_MISSING({ repository: `${owner}/${repo}` });
    const octokit = await client();
    const all = { ...place(route), ...params };
    try {
      return await send(octokit, all);
    } catch (error) {
      const { method, url: address } = octokit.request.endpoint(route, all);
      throw refusal({ method, path: address.replace(api, ''), api }, error);
    }
  }
  const request = <T>(route: string, params: Params = {}): Promise<T> =>
    ask(route, params, async (octokit, all) => (await octokit.request(route, all)).data as T);

  return {
    owner,
    repo,
    url,
    api,
    request,
    paginate: <T>(route: string, params: Params = {}) =>
      ask(
        route,
        params,
        async (octokit, all) => (await octokit.paginate(route, { per_page: 100, ...all })) as T[],
      ),
    find: <T>(route: string, params: Params = {}) =>
      request<T>(route, params).catch((error: unknown) => {
        if (statusOf(error) === 404) return undefined;
        throw error;
      }),
    Octokit: Client as GitHub['Octokit'],
  };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
