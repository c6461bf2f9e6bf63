import { calculateJwkThumbprint, type JWK } from 'jose';
import { errors, isLoopback } from '../foundation/index.ts';

/** Who signs the tokens of jobs. */
export interface Issuer {
  url: string;
  /** The keys that it serves, by their thumbprint; looked up once, and anew where `fresh` is said. */
  keys(fresh?: 'fresh'): Promise<ReadonlyMap<string, JWK>>;
}

const TIMEOUT_MS = 20_000;

/**
 * The issuer at an address, by its discovery document (OpenID Connect Discovery 1.0, section 4). Its address has to come
 * from the policy: a job's own variables must not choose it.
 */
export function openIssuer(address: string): Issuer {
  const url = address.replace(/\/+$/, '');
  let keys: Promise<ReadonlyMap<string, JWK>> | undefined;
  return {
    url,
    keys: (fresh) => {
      if (keys && !fresh) return keys;
      const asked = load(url);
      keys = asked;
      asked.catch(() => {
        if (keys === asked) keys = undefined;
      });
      return asked;
    },
  };
}

const opened = new Map<string, Issuer>();

/** The issuer at an address, one for the whole process: its keys are read once. */
export function issuerAt(address: string): Issuer {
  const issuer = opened.get(address) ?? openIssuer(address);
  opened.set(address, issuer);
  return issuer;
}

/** RFC 7638, SHA-256: names a key by its content. */
export function thumbprint(key: JWK): Promise<string> {
  return calculateJwkThumbprint(key, 'sha256');
}

/** @throws OIDC_ISSUER_UNREACHABLE, OIDC_ISSUER_INVALID */
async function load(url: string): Promise<ReadonlyMap<string, JWK>> {
  const document = await get(url, `${url}/.well-known/openid-configuration`);
  const { issuer, jwks_uri: place } = document as { issuer?: unknown; jwks_uri?: unknown };
  if (issuer !== url)
    throw errors.OIDC_ISSUER_INVALID({ issuer: url, problem: `it calls itself ${String(issuer)}` });
  if (typeof place !== 'string')
    throw errors.OIDC_ISSUER_INVALID({ issuer: url, problem: 'it names no place of its keys' });
  const { keys } = (await get(url, place)) as { keys?: unknown };
  if (!Array.isArray(keys) || keys.length === 0)
    throw errors.OIDC_ISSUER_INVALID({ issuer: url, problem: 'it serves no keys' });
  const found = new Map<string, JWK>();
  for (const key of keys.flatMap(publicKey)) found.set(await thumbprint(key), key);
  return found;
}

/** What is needed to check a signature, and no certificates; nothing for a key of a kind that is not taken here. */
function publicKey(key: JWK): JWK[] {
  const { kty, kid, n, e, crv, x, y, use } = key ?? {};
  if (use !== undefined && use !== 'sig') return [];
  const name = kid === undefined ? {} : { kid };
  if (kty === 'RSA' && n !== undefined && e !== undefined) return [{ kty, n, e, ...name }];
  if (kty === 'EC' && crv === 'P-256' && x !== undefined && y !== undefined)
    return [{ kty, crv, x, y, ...name }];
  return [];
}

async function get(issuer: string, url: string): Promise<unknown> {
  const address = URL.parse(url);
  if (!address || !secure(address))
    throw errors.OIDC_ISSUER_INVALID({ issuer, problem: `${url} is no https address` });
  let answer: Response;
  try {
    answer = await fetch(address, { signal: AbortSignal.timeout(TIMEOUT_MS), redirect: 'error' });
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause);
    throw errors.OIDC_ISSUER_UNREACHABLE({ issuer, said }, { cause, transient: true });
  }
  const document: unknown = await answer.json().catch(() => undefined);
  if (answer.ok && typeof document === 'object' && document !== null) return document;
  const said = `${url} answered ${answer.status}${answer.ok ? ' with something else than a document' : ''}`;
  throw errors.OIDC_ISSUER_UNREACHABLE({ issuer, said }, { transient: true });
}

/** Keys that come over an open line are anybody's. */
function secure({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
}
