import { Octokit } from '@octokit/core';
import { paginateRest } from '@octokit/plugin-paginate-rest';
import { retry } from '@octokit/plugin-retry';
import { throttling } from '@octokit/plugin-throttling';
import { EnvHttpProxyAgent, fetch as undiciFetch } from 'undici';
import { USER_AGENT } from '../registry/http.ts';
import type { GitHubInput } from './client.ts';
import { isLoopback } from './repository.ts';

const TIMEOUT_MS = 30_000;
/** What is sent has longer: 100 kB a second is enough. */
const SENT_PER_MS = 100;
const RETRIES = 3;
/** Waits for a limit within one request; a longer one is the caller's to decide. */
const LONGEST_WAIT_S = 90;
const API_VERSION = '2022-11-28';

/** Octokit with our limits: reading is tried again when the server fails; a limit is waited for where that is short. */
export function clientClass({ env, fetch, secondMs = 1000 }: GitHubInput, api: string, id: string) {
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
    const size = init?.body instanceof Uint8Array ? init.body.length : 0;
    const timeout = AbortSignal.timeout(TIMEOUT_MS + Math.ceil(size / SENT_PER_MS));
    return fetch(url, { ...init, signal: init?.signal ? AbortSignal.any([init.signal, timeout]) : timeout });
  };
}
