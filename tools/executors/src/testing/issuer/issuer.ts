import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';

export interface TokenOptions {
  /** Claims that differ from those of the job; undefined takes one away. */
  claims?: Record<string, unknown>;
  /** When it is made; now unless given. */
  at?: Date;
  /** Seconds that it is valid; as GitHub does it, five minutes. */
  lasts?: number;
}
interface Key {
  alg: 'RS256' | 'ES256';
  jwk: JWK;
  privateKey: CryptoKey;
}

/** A GitHub Actions in small: signs tokens of a job with real keys, and serves what is needed to check them. */
export interface TestIssuer {
  url: string;
  /** Claims of the job that asks; a test changes them to make it another job. */
  job: Record<string, unknown>;
  /** What such a job has in its environment. */
  env: Record<'GITHUB_ACTIONS' | 'ACTIONS_ID_TOKEN_REQUEST_URL' | 'ACTIONS_ID_TOKEN_REQUEST_TOKEN', string>;
  /** Audiences that were asked for, in order. */
  audiences: string[];
  /** A time for all tokens to come; now where undefined. */
  clock: Date | undefined;
  /** Claims that all tokens to come have in place of the true ones. */
  forge: Record<string, unknown>;
  /** So many requests for a token are answered with 503 first. */
  failures: number;
  token(audience: string, options?: TokenOptions): Promise<string>;
  /** From now on a new key signs; the old ones are still served. */
  rotate(alg?: 'RS256' | 'ES256'): Promise<void>;
  /** Serves only the key that signs now. */
  retire(): void;
  close(): Promise<void>;
}

/** `repository` is `owner/name`; the job is one of release.yml on main, without an environment. */
export async function startIssuer({
  repository = 'acme/platform',
  environment,
}: { repository?: string; environment?: string } = {}): Promise<TestIssuer> {
  const bearer = 'test-bearer-of-the-job';
  const keys: Key[] = [await newKey('RS256', 1)];
  const workflow = `${repository}/.github/workflows/release.yml@refs/heads/main`;
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  let made = 1;

  const issuer: TestIssuer = {
    url,
    job: {
      sub: `repo:${repository}:${environment ? `environment:${environment}` : 'ref:refs/heads/main'}`,
      repository,
      repository_id: '74',
      repository_owner: repository.split('/')[0],
      repository_owner_id: '65',
      repository_visibility: 'private',
      ...(environment ? { environment } : {}),
      sha: 'a'.repeat(40),
      ref: 'refs/heads/main',
      ref_type: 'branch',
      run_id: '100001',
      run_number: '7',
      run_attempt: '1',
      actor: 'dev',
      actor_id: '12',
      workflow: 'release',
      workflow_ref: workflow,
      workflow_sha: 'a'.repeat(40),
      job_workflow_ref: workflow,
      job_workflow_sha: 'a'.repeat(40),
      event_name: 'push',
      runner_environment: 'github-hosted',
    },
    env: {
      GITHUB_ACTIONS: 'true',
      ACTIONS_ID_TOKEN_REQUEST_URL: `${url}/token?api-version=2.0`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: bearer,
    },
    audiences: [],
    clock: undefined,
    forge: {},
    failures: 0,
    token: async (audience, { claims, at = issuer.clock ?? new Date(), lasts = 300 } = {}) => {
      const key = keys.at(-1) as Key;
      const iat = Math.floor(at.getTime() / 1000);
      const times = { iss: url, aud: audience, iat, nbf: iat - 600, exp: iat + lasts };
      const payload = JSON.parse(
        JSON.stringify({ ...issuer.job, ...times, ...issuer.forge, ...claims, jti: `${made}-${iat}` }),
      );
      return new SignJWT(payload)
        .setProtectedHeader({ typ: 'JWT', alg: key.alg, kid: key.jwk.kid as string })
        .sign(key.privateKey);
    },
    rotate: async (alg = 'RS256') => {
      keys.push(await newKey(alg, (made += 1)));
    },
    retire: () => {
      keys.splice(0, keys.length - 1);
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', url);
    const send = (status: number, body: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    if (pathname === '/.well-known/openid-configuration')
      return send(200, { issuer: url, jwks_uri: `${url}/.well-known/jwks` });
    if (pathname === '/.well-known/jwks')
      return send(200, { keys: keys.map(({ alg, jwk }) => ({ ...jwk, alg, use: 'sig' })) });
    if (pathname !== '/token') return send(404, {});
    if (request.headers.authorization !== `Bearer ${bearer}`) return send(401, {});
    if (issuer.failures > 0) {
      issuer.failures -= 1;
      return send(503, {});
    }
    const audience = searchParams.get('audience') ?? `https://github.com/${repository.split('/')[0]}`;
    issuer.audiences.push(audience);
    return send(200, { count: 1, value: await issuer.token(audience) });
  }
  return issuer;
}

async function newKey(alg: Key['alg'], number: number): Promise<Key> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  return { alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid: `test-key-${number}` } };
}
