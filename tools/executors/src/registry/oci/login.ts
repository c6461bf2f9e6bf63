import { Secret } from '../../foundation/index.ts';
import { invalid, type Asked } from './answers.ts';
import { parseChallenge, type Challenge } from './challenge.ts';
import type { Credentials } from './types.ts';

/** What a request needs of one repository. */
export interface Scope {
  repository: string;
  write: boolean;
}
/** The form (POST) or query (GET) that the token service is asked with. */
export interface TokenRequest {
  url: string;
  method: 'GET' | 'POST';
  headers: Record<string, string>;
  body?: string;
}
export interface Login {
  /** The header to send, by what is known so far; undefined before the first challenge, and where none is needed. */
  authorization(scopes: Scope[], asked: Asked, signal?: AbortSignal): Promise<string | undefined>;
  /** Learns from a 401 to a request that had this header; true where asking again makes sense. */
  learn(challenge: string | string[] | undefined, sent: string | undefined, scopes: Scope[]): boolean;
}
interface Token {
  header: string;
  /** Milliseconds since the epoch after which it is not sent any more. */
  until: number;
}

/** Used where the service does not say how long its token is good (the specification's own default). */
const SECONDS = 60;
/** Not sent in its last seconds: it could expire on its way. */
const SPARE_SECONDS = 10;
/** What a credential helper gives as the user's name where the password is a refresh token. */
const REFRESH = '<token>';

/**
 * How one registry is logged in to: nothing until it asks, then Basic, or a Bearer token for each set of scopes.
 * `askService` sends a request for a token, and throws what the table of answers makes of a refusal.
 */
export function openLogin(
  credentials: Credentials | undefined,
  askService: (request: TokenRequest, asked: Asked, signal?: AbortSignal) => Promise<unknown>,
): Login {
  let known: Challenge | undefined;
  const tokens = new Map<string, Promise<Token>>();
  const basic =
    credentials === undefined || credentials.username === REFRESH
      ? undefined
      : basicHeader(credentials.username, credentials.password.reveal());

  async function tokenFor(
    challenge: Challenge & { scheme: 'bearer' },
    scopes: Scope[],
    asked: Asked,
    signal?: AbortSignal,
  ): Promise<Token> {
    const key = scopeTexts(scopes).join(' ');
    const pending = tokens.get(key);
    const there = pending && (await pending.catch(() => undefined));
    if (there !== undefined && there.until > Date.now()) return there;
    const fetching = askService(
      tokenRequest(challenge, scopes, credentials),
      { ...asked, operation: 'authenticate' },
      signal,
    ).then((answer) => tokenOf(answer, asked));
    tokens.set(key, fetching);
    fetching.catch(() => tokens.delete(key));
    return fetching;
  }

  return {
    async authorization(scopes, asked, signal) {
      if (known?.scheme === 'basic') return basic;
      if (known?.scheme === 'bearer') return (await tokenFor(known, scopes, asked, signal)).header;
      return undefined;
    },
    learn(header, sent, scopes) {
      const challenge = parseChallenge(header);
      if (challenge === undefined) return false;
      known = challenge;
      if (challenge.scheme === 'basic') return basic !== undefined && sent !== basic;
      if (sent === undefined || sent === basic) return true;
      // Expired before its time, or good for less than we thought: once anew.
      tokens.delete(scopeTexts(scopes).join(' '));
      return true;
    },
  };
}

/** `repository:<name>:<actions>`, as token services take it. */
function scopeTexts(scopes: Scope[]): string[] {
  return scopes.map(({ repository, write }) => `repository:${repository}:${write ? 'pull,push' : 'pull'}`);
}

/** How the service is asked for a token: GET with Basic or without credentials, POST with a refresh token. */
function tokenRequest(
  { realm, service }: Challenge & { scheme: 'bearer' },
  scopes: Scope[],
  credentials: Credentials | undefined,
): TokenRequest {
  const url = new URL(realm);
  if (credentials?.username === REFRESH) {
    const form = new URLSearchParams({
      grant_type: 'refresh_token',
      client_id: 'sluice',
      refresh_token: credentials.password.reveal(),
      scope: scopeTexts(scopes).join(' '),
      ...(service ? { service } : {}),
    });
    return {
      url: url.href,
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: form.toString(),
    };
  }
  if (service) url.searchParams.set('service', service);
  for (const scope of scopeTexts(scopes)) url.searchParams.append('scope', scope);
  const headers: Record<string, string> = {};
  if (credentials)
    headers['authorization'] = basicHeader(credentials.username, credentials.password.reveal());
  return { url: url.href, method: 'GET', headers };
}

function tokenOf(answer: unknown, asked: Asked): Token {
  const { token, access_token, expires_in } = (answer ?? {}) as Record<string, unknown>;
  const value = typeof token === 'string' && token !== '' ? token : access_token;
  if (typeof value !== 'string' || value === '') throw invalid(asked, 'its token service gave no token');
  const seconds = typeof expires_in === 'number' && expires_in > 0 ? expires_in : SECONDS;
  return {
    header: `Bearer ${new Secret(value).reveal()}`,
    until: Date.now() + Math.max(1, seconds - SPARE_SECONDS) * 1000,
  };
}

function basicHeader(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}
