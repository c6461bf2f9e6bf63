import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT, type JWK } from 'jose';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startIssuer, type TestIssuer } from '../testing/issuer/index.ts';
import { mayRequestToken, openIssuer, requestToken, thumbprint, verifyToken } from './index.ts';

let issuer: TestIssuer;
beforeEach(async () => {
  issuer = await startIssuer();
});
afterEach(() => issuer.close());

const AUDIENCE = 'sluice:test';
const keys = async () => [...(await openIssuer(issuer.url).keys()).values()];
const verdict = async (token: string, more: { at?: Date; keys?: JWK[] } = {}) => {
  const found = await verifyToken({
    token,
    issuer: issuer.url,
    audience: AUDIENCE,
    keys: more.keys ?? (await keys()),
    ...(more.at ? { at: more.at } : {}),
  });
  return found.ok ? 'ok' : found.problem;
};

describe('a token is asked for', () => {
  test('with the audience, and the right that the job has', async () => {
    const env = { ...process.env, ...issuer.env };
    expect(mayRequestToken(env)).toBe(true);
    expect(await verdict(await requestToken({ env, audience: AUDIENCE }))).toBe('ok');
    expect(issuer.audiences).toEqual([AUDIENCE]);
  });

  test('only where the job may: else the error says what the workflow lacks', async () => {
    expect(mayRequestToken({ GITHUB_ACTIONS: 'true' })).toBe(false);
    await expect(requestToken({ env: {}, audience: AUDIENCE })).rejects.toMatchObject({
      code: 'OIDC_NOT_PERMITTED',
      exit: 2,
      next: expect.stringContaining('id-token: write'),
    });
  });

  test.each<[string, Partial<NodeJS.ProcessEnv>, boolean]>([
    ['a bearer that is wrong', { ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'other' }, false],
    ['an address that is none', { ACTIONS_ID_TOKEN_REQUEST_URL: 'not an address' }, false],
    ['nobody there', { ACTIONS_ID_TOKEN_REQUEST_URL: 'http://127.0.0.1:9/' }, true],
  ])('%s is an error, and the bearer is in none of its words', async (_, change, transient) => {
    const failed = requestToken({ env: { ...issuer.env, ...change }, audience: AUDIENCE });
    await expect(failed).rejects.toMatchObject({ code: 'OIDC_REQUEST_FAILED', transient });
    const error = (await failed.catch((cause: unknown) => cause)) as Error;
    expect(`${error.message} ${String(error.cause)}`).not.toContain(
      issuer.env.ACTIONS_ID_TOKEN_REQUEST_TOKEN,
    );
  });
});

describe('the issuer', () => {
  test('that is away, or fails, is told apart from one that is wrong', async () => {
    await expect(openIssuer('http://127.0.0.1:9').keys()).rejects.toMatchObject({
      code: 'OIDC_ISSUER_UNREACHABLE',
      transient: true,
    });
    await expect(openIssuer(`${issuer.url}/elsewhere`).keys()).rejects.toMatchObject({
      code: 'OIDC_ISSUER_UNREACHABLE',
    });
  });

  test.each<[string, (url: string) => unknown, RegExp]>([
    [
      'calls itself something else',
      () => ({ issuer: 'https://eve.example.com' }),
      /calls itself https:\/\/eve/,
    ],
    ['names no keys', (url) => ({ issuer: url }), /names no place of its keys/],
    [
      'has its keys on an open line',
      (url) => ({ issuer: url, jwks_uri: 'http://eve.example.com/k' }),
      /no https address/,
    ],
    ['has no keys', (url) => ({ issuer: url, jwks_uri: `${url}/none` }), /serves no keys/],
  ])('that %s is refused', async (_, document, said) => {
    const server = createServer((request, response) => {
      const known = request.url === '/none' ? { keys: [] } : document(url);
      response.end(JSON.stringify(known));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      await expect(openIssuer(url).keys()).rejects.toMatchObject({
        code: 'OIDC_ISSUER_INVALID',
        exit: 2,
        message: expect.stringMatching(said),
      });
    } finally {
      server.close();
    }
  });

  test('over an open line is refused before it is asked', async () => {
    await expect(openIssuer('http://token.example.com').keys()).rejects.toMatchObject({
      code: 'OIDC_ISSUER_INVALID',
    });
  });
});

describe('a token counts', () => {
  test('while it is valid, and for good where it is looked at as of its time', async () => {
    const old = new Date(Date.now() - 3_600_000);
    const token = await issuer.token(AUDIENCE, { at: old });
    expect(await verdict(token)).toBe('ok');
    expect(await verdict(token, { at: new Date() })).toMatch(/^it expired at/);
  });

  test('by whichever key of the issuer, with the algorithm that goes with it', async () => {
    await issuer.rotate('ES256');
    expect(await verdict(await issuer.token(AUDIENCE))).toBe('ok');
  });

  test('not for others, from others, or cut short', async () => {
    const token = await issuer.token(AUDIENCE);
    expect(await verdict(await issuer.token('other'))).toMatch(/another audience \(other\)/);
    expect(await verdict(await issuer.token(AUDIENCE, { claims: { iss: 'https://x' } }))).toMatch(
      /https:\/\/x made it/,
    );
    expect(await verdict(`${token.slice(0, -4)}AAAA`)).toMatch(/no key of .* signed it/);
    for (const none of ['', 'words', 'a.b.c', token.split('.').slice(0, 2).join('.')])
      expect(await verdict(none)).toMatch(/it is no token|no key of/);
  });

  test('not without a signature, nor with one that anybody can make of the public key', async () => {
    const claims = { ...issuer.job, iss: issuer.url, aud: AUDIENCE };
    const unsigned = new UnsecuredJWT(claims).setIssuedAt().setExpirationTime('5m').encode();
    expect(await verdict(unsigned)).toMatch(/no key of|it is no token/);
    const [key] = await keys();
    const secret = new TextEncoder().encode(JSON.stringify(key));
    const confused = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(secret);
    expect(await verdict(confused)).toMatch(/no key of/);
    const oct = { kty: 'oct', k: Buffer.from(secret).toString('base64url') };
    expect(await verdict(confused, { keys: [oct] })).toMatch(/no key of/);
  });

  test('not with a key in its own header', async () => {
    const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true });
    const own = await new SignJWT({ ...issuer.job, iss: issuer.url, aud: AUDIENCE })
      .setProtectedHeader({ alg: 'RS256', jwk: await exportJWK(publicKey) })
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(privateKey);
    expect(await verdict(own)).toMatch(/no key of/);
  });

  test.each([
    'repository',
    'workflow_ref',
    'job_workflow_ref',
    'sha',
    'run_id',
    'actor',
    'ref',
    'event_name',
  ])('not without its claim %s', async (name) => {
    expect(await verdict(await issuer.token(AUDIENCE, { claims: { [name]: undefined } }))).toBe(
      `its claim "${name}" is missing or no text`,
    );
    expect(await verdict(await issuer.token(AUDIENCE, { claims: { [name]: ['a'] } }))).toMatch(name);
  });
});

test('a key is named by what it is, not by what it is called', async () => {
  const [key] = await keys();
  expect(await thumbprint({ ...(key as JWK), kid: 'other' })).toBe(await thumbprint(key as JWK));
});
