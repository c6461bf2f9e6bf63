import { decodeJwt } from 'jose';
import { errors, Secret } from '../../foundation/index.ts';
import { requestToken } from '../../oidc/index.ts';
import type { Stage } from '../../pipeline/types.ts';
import { notJson, type SentClaims } from '../answers.ts';
import type { Http } from '../http.ts';

export interface Exchanged {
  token: Secret;
  /** Milliseconds since 1970; after it the token is not used again. */
  until: number;
}

/** Where a registry does not say how long its token lasts. */
const LASTS_MS = 5 * 60_000;
/** A token that ends while it is on its way does not help. */
const MARGIN_MS = 30_000;

/**
 * Gives this job's own token for one of the registry that publishes this one package.
 * @param path the package's name as one segment of a path
 * @throws TOKEN_EXCHANGE_REFUSED with what the registry said and what the job's token says, OIDC_REQUEST_FAILED
 */
export async function exchangeToken(
  stage: Stage,
  { name, path }: { name: string; path: string },
  { http, env, signal }: { http: Http; env: NodeJS.ProcessEnv; signal?: AbortSignal },
): Promise<Exchanged> {
  // The host's name alone, as npm's own client has it.
  const audience = `npm:${new URL(stage.registry).hostname}`;
  const own = await requestToken({ env, audience, ...(signal ? { signal } : {}) });
  const call = {
    operation: 'exchange' as const,
    stage: { ...stage, token: new Secret(own) },
    name,
    claims: claimsOf(own),
    method: 'POST' as const,
    path: `/-/npm/v1/oidc/token/exchange/package/${path}`,
    headers: { accept: 'application/json', 'content-length': '0' },
    signal,
  };
  const answer = await http.json<{ token?: unknown; expires?: unknown }>(call);
  if (typeof answer === 'string' || typeof answer.token !== 'string' || answer.token === '')
    throw notJson(call, 'an answer without a token', '');
  return { token: new Secret(answer.token), until: endOf(answer.expires) };
}

/** For a person who compares them with the registry's settings; the registry is the one who checks them. */
function claimsOf(token: string): SentClaims {
  try {
    const { repository, workflow_ref: workflow, environment } = decodeJwt(token);
    const path = /\.github\/workflows\/([^@]+)/.exec(String(workflow))?.[1];
    return {
      repository: String(repository ?? 'none'),
      workflow: path ?? String(workflow ?? 'none'),
      environment: String(environment ?? 'none'),
    };
  } catch (cause) {
    throw errors.OIDC_REQUEST_FAILED({ audience: 'npm', said: 'its answer is no token' }, { cause });
  }
}

function endOf(expires: unknown): number {
  const said = typeof expires === 'string' ? Date.parse(expires) : Number.NaN;
  return (Number.isNaN(said) ? Date.now() + LASTS_MS : said) - MARGIN_MS;
}
