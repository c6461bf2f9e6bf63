import { Octokit } from '@octokit/core';
import { paginateRest } from '@octokit/plugin-paginate-rest';
import { retry } from '@octokit/plugin-retry';
import { throttling } from '@octokit/plugin-throttling';
import { EnvHttpProxyAgent, fetch as undiciFetch } from 'undici';
import { errors, Secret } from '../foundation/index.ts';
import type { GitHubOptions } from '../pipeline/types.ts';
import { USER_AGENT } from '../registry/http.ts';
import { refusal, statusOf, type Asked } from './answers.ts';
import { isLoopback, placeOf } from './repository.ts';
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

const TIMEOUT_MS = 30_000;
const RETRIES = 3;
/** Waits for a limit within one request; a longer one is the caller's to decide. */
const LONGEST_WAIT_S = 90;
const API_VERSION = '2022-11-28';

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
  const Client = clientClass(input, api, `${owner}/${repo}`);
  const octokit = new Client({ baseUrl: api, ...(token ? { auth: token.reveal() } : {}) });

  /** What a route does not name would become a parameter of the query. */
  const place = (route: string): Params => (route.includes('{owner}/{repo}') ? { owner, repo } : {});
  const asked = (route: string, params: Params): Asked => {
    const { method, url: address } = octokit.request.endpoint(route, { ...place(route), ...params });
    return { method, path: address.startsWith(api) ? address.slice(api.length) : address, api };
  };
  async function ask<T>(route: string, params: Params, send: (all: Params) => Promise<T>): Promise<T> {
    if (!token) throw errors.GITHUB_TOKEN_MISSING({ repository: `${owner}/${repo}` });
    try {
      return await send({ ...place(route), ...params });
    } catch (error) {
      throw refusal(asked(route, params), error);
    }
  }
  const request = <T>(route: string, params: Params = {}): Promise<T> =>
    ask(route, params, async (all) => (await octokit.request(route, all)).data as T);

  return {
    owner,
    repo,
    url,
    api,
    request,
    paginate: <T>(route: string, params: Params = {}) =>
      ask(route, params, async (all) => (await octokit.paginate(route, { per_page: 100, ...all })) as T[]),
    find: <T>(route: string, params: Params = {}) =>
      request<T>(route, params).catch((error: unknown) => {
        if (statusOf(error) === 404) return undefined;
        throw error;
      }),
    Octokit: Client,
  };
}

/** Octokit with our limits: reading is tried again when the server fails; a limit is waited for where that is short. */
function clientClass({ env, fetch, secondMs = 1000 }: GitHubInput, api: string, id: string) {
  const wait = (seconds: number, _: object, __: object, retryCount: number): boolean =>
    seconds <= LONGEST_WAIT_S && retryCount < 2;
  const log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
  const Limited = Octokit.plugin(paginateRest, retry, throttling).defaults({
    userAgent: USER_AGENT,
    log,
    retry: {
      doNotRetry: [400, 401, 403, 404, 409, 410, 422, 429, 451],
      retries: RETRIES,
      retryAfterBaseValue: secondMs,
    },
    throttle: {
      id: `${api} ${id}`,
      onRateLimit: wait,
      onSecondaryRateLimit: wait,
      retryAfterBaseValue: secondMs,
      ...(isLoopback(api) ? { write: AT_ONCE, notifications: AT_ONCE, search: AT_ONCE } : {}),
    },
  } as object);
  const ours = { fetch: bounded(fetch ?? proxied(env)) };
  return class extends Limited {
    constructor(given?: ConstructorParameters<typeof Limited>[0]) {
      super({ ...given, request: { ...given?.request, ...ours } });
      this.hook.before('request', (options) => {
        options.headers['x-github-api-version'] ??= API_VERSION;
        // A write whose answer was lost may have had its effect.
        if (options.method === 'POST' && !options.url.endsWith('/graphql'))
          options.request = { ...options.request, retries: 0 };
      });
    }
  };
}

/** GitHub asks for a second between two writes; a server of this machine does not. Shaped as the plugin's groups. */
const AT_ONCE = {
  key: () => ({
    schedule: (_: object, run: (...args: unknown[]) => unknown, ...args: unknown[]) => run(...args),
  }),
};

function nothing(): void {}

function proxied(env: NodeJS.ProcessEnv): typeof globalThis.fetch {
  const dispatcher = new EnvHttpProxyAgent({
    httpProxy: env['http_proxy'] ?? env['HTTP_PROXY'] ?? '',
    httpsProxy: env['https_proxy'] ?? env['HTTPS_PROXY'] ?? '',
    noProxy: env['no_proxy'] ?? env['NO_PROXY'] ?? '',
  });
  return ((url: string, init: object) => undiciFetch(url, { ...init, dispatcher })) as never;
}

/** Each single try ends, whatever the other side does. */
function bounded(fetch: typeof globalThis.fetch): typeof globalThis.fetch {
  return (url, init) => {
    const timeout = AbortSignal.timeout(TIMEOUT_MS);
    return fetch(url, { ...init, signal: init?.signal ? AbortSignal.any([init.signal, timeout]) : timeout });
  };
}
