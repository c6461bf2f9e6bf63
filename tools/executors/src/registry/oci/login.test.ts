import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { redact, Secret } from '../../foundation/index.ts';
import type { OciRegistry } from '../local/oci/index.ts';
import { parseChallenge } from './challenge.ts';
import { openOci, readDockerCredentials, tally, type Oci } from './index.ts';
import { PASSWORD, startEmbedded } from './testing/registries.ts';

const credentials = { username: 'sluice', password: new Secret(PASSWORD) };

test.each([
  [
    'Bearer realm="https://auth.example.com/token",service="images",scope="repository:a/b:pull"',
    { scheme: 'bearer', realm: 'https://auth.example.com/token', service: 'images' },
  ],
  [
    'bearer  realm = "https://a.example.com/?x=1,2" ',
    { scheme: 'bearer', realm: 'https://a.example.com/?x=1,2' },
  ],
  [
    'Basic realm="x", Bearer realm="https://a.example.com"',
    { scheme: 'bearer', realm: 'https://a.example.com' },
  ],
  ['Basic realm="say \\"x\\""', { scheme: 'basic' }],
  [['Negotiate', 'Basic'], { scheme: 'basic' }],
  ['Bearer', undefined],
  ['Negotiate abc', undefined],
  [undefined, undefined],
])('the challenge %o', (header, challenge) => {
  expect(parseChallenge(header)).toEqual(challenge);
});

describe('logging in', () => {
  const open: { close(): unknown }[] = [];
  afterEach(async () => {
    for (const each of open.splice(0).toReversed()) await each.close();
  });
  async function registry(login: 'bearer' | 'basic'): Promise<OciRegistry> {
    const made = await startEmbedded({ password: PASSWORD, faults: { login, privately: true } });
    open.push(made);
    return made;
  }
  function client(host: string, with_: typeof credentials | undefined): Oci {
    const made = openOci({ host, insecure: true, ...(with_ && { credentials: with_ }) });
    open.push(made);
    return made;
  }

  test.each(['bearer', 'basic'] as const)(
    '%s: read and write with, nothing without credentials',
    async (login) => {
      const { host } = await registry(login);
      expect(await client(host, credentials).repository('a/b').head('v1')).toBeUndefined();
      await expect(client(host, undefined).repository('a/b').head('v1')).rejects.toMatchObject({
        code: 'IMAGE_CREDENTIALS_MISSING',
      });
      const wrong = { username: 'sluice', password: new Secret('wrong-password') };
      const refused = await client(host, wrong)
        .repository('a/b')
        .head('v1')
        .catch((error: unknown) => error as Error & { format(): string });
      expect(refused).toMatchObject({ code: 'IMAGE_CREDENTIALS_REFUSED', transient: false });
      expect(redact(JSON.stringify(refused))).not.toContain('wrong-password');
    },
  );

  test('one token serves many requests at once, and one more is fetched for writing', async () => {
    const made = await registry('bearer');
    const repository = client(made.host, credentials).repository('a/b');
    await repository.head('v0');
    await Promise.all(['v1', 'v2', 'v3'].map((tag) => repository.head(tag)));
    const tokens = () => made.requests.filter((line) => line.startsWith('GET /token')).length;
    expect(tokens()).toBe(1);
    expect((await tally(() => repository.head('v4'))).requests.all).toBe(1);
    await repository.mount(`sha256:${'0'.repeat(64)}`, 'a/c');
    expect(tokens()).toBe(2);
    expect(made.requests.filter((line) => line.includes('repository%3Aa%2Fc%3Apull'))).toHaveLength(1);
  });

  /** A registry of one answer, whose token service is its own path; tells what it was asked. */
  async function madeUp(
    answer: (request: IncomingMessage, response: ServerResponse, body: string, host: string) => void,
  ): Promise<string> {
    const server: Server = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (part: string) => (body += part));
      request.on('end', () => answer(request, response, body, request.headers.host ?? ''));
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    open.push({
      close: () => {
        server.closeAllConnections();
        server.close();
      },
    });
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  test('a token that the registry takes no more is replaced once', async () => {
    let issued = 0;
    const host = await madeUp((request, response, _, host) => {
      if (request.url?.startsWith('/token'))
        return response.end(JSON.stringify({ token: `token-${(issued += 1)}-x` }));
      const good = request.headers.authorization === 'Bearer token-2-x';
      response.writeHead(good ? 404 : 401, { 'www-authenticate': `Bearer realm="http://${host}/token"` });
      response.end();
    });
    const repository = client(host, credentials).repository('a/b');
    // The first challenge gives token 1, which the registry refuses.
    await expect(repository.head('v1')).rejects.toMatchObject({ code: 'IMAGE_CREDENTIALS_REFUSED' });
    expect(await repository.head('v1')).toBeUndefined();
    expect(issued).toBe(2);
  });

  test('a refresh token goes into the body of a POST', async () => {
    const seen: string[] = [];
    const host = await madeUp((request, response, body, host) => {
      if (request.url === '/token') {
        seen.push(`${request.method} ${body}`);
        return response.end(JSON.stringify({ access_token: 'access-token-x' }));
      }
      const good = request.headers.authorization === 'Bearer access-token-x';
      response.writeHead(good ? 404 : 401, {
        'www-authenticate': `Bearer realm="http://${host}/token",service="s"`,
      });
      response.end();
    });
    const refresh = { username: '<token>', password: new Secret('refresh-token') };
    expect(await client(host, refresh).repository('a/b').head('v1')).toBeUndefined();
    expect(seen).toEqual([
      'POST grant_type=refresh_token&client_id=sluice&refresh_token=refresh-token&scope=repository%3Aa%2Fb%3Apull&service=s',
    ]);
  });

  test.each([
    ['http://auth.example.com/token', { token: 'x' }, 'IMAGE_REGISTRY_INSECURE'],
    [undefined, { nothing: true }, 'IMAGE_ANSWER_INVALID'],
    [undefined, 'no JSON', 'IMAGE_ANSWER_INVALID'],
  ])('the token service %s that says %o', async (realm, says, code) => {
    const host = await madeUp((request, response, _, host) => {
      if (request.url?.startsWith('/token'))
        return response.end(typeof says === 'string' ? says : JSON.stringify(says));
      response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm ?? `http://${host}/token`}"` });
      response.end();
    });
    await expect(client(host, credentials).repository('a/b').head('v1')).rejects.toMatchObject({ code });
  });

  test('plain HTTP goes to this machine alone', () => {
    expect(() => openOci({ host: 'images.example.com', insecure: true })).toThrow(
      expect.objectContaining({ code: 'IMAGE_REGISTRY_INSECURE', exit: 2 }),
    );
    for (const host of ['localhost', '127.0.0.1:5000', '[::1]:5000'])
      expect(openOci({ host, insecure: true }).host).toBe(host);
  });
});

describe("the docker client's credentials", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-docker-'));
    await helper(
      'keys',
      'read host; test "$host" = a.example.com || { echo "credentials not found in native keychain"; exit 1; }; echo \'{"Username":"u","Secret":"from-helper"}\'',
    );
    await helper('broken', 'echo "the agent is locked" >&2; exit 1');
    await helper('odd', 'echo hello');
  });
  afterAll(() => rm(folder, { recursive: true }));
  async function helper(name: string, script: string): Promise<void> {
    const file = join(folder, `docker-credential-${name}`);
    await writeFile(file, `#!/bin/sh\n${script}\n`);
    await chmod(file, 0o755);
  }
  async function read(host: string, config: unknown): Promise<string | undefined> {
    await writeFile(
      join(folder, 'config.json'),
      typeof config === 'string' ? config : JSON.stringify(config),
    );
    const env = { DOCKER_CONFIG: folder, PATH: `${folder}${delimiter}${process.env['PATH']}` };
    const found = await readDockerCredentials(host, env);
    return found && `${found.username} ${found.password.reveal()}`;
  }
  const auth = Buffer.from('me:pass:word').toString('base64');

  test.each([
    ['auths', { auths: { 'a.example.com': { auth } } }, 'me pass:word'],
    [
      'an address as older clients wrote it',
      { auths: { 'https://a.example.com/v1/': { auth } } },
      'me pass:word',
    ],
    [
      'a name and a password',
      { auths: { 'a.example.com': { username: 'u', password: 'secret' } } },
      'u secret',
    ],
    [
      'a refresh token',
      { auths: { 'a.example.com': { auth, identitytoken: 'refresh' } } },
      '<token> refresh',
    ],
    [
      'a helper for this host',
      { credHelpers: { 'a.example.com': 'keys' }, auths: { 'a.example.com': { auth } } },
      'u from-helper',
    ],
    ['a store', { credsStore: 'keys', auths: { 'a.example.com': {} } }, 'u from-helper'],
    ['another host', { auths: { 'b.example.com': { auth } } }, undefined],
    ['another port', { auths: { 'a.example.com:5000': { auth } } }, undefined],
    ['no JSON', 'not json', undefined],
  ])('%s', async (_, config, expected) => {
    expect(await read('a.example.com', config)).toBe(expected);
  });

  test('a store that knows nothing leaves what stands in the file', async () => {
    expect(await read('b.example.com', { credsStore: 'keys', auths: { 'b.example.com': { auth } } })).toBe(
      'me pass:word',
    );
  });

  test('no file, no credentials', async () => {
    expect(await readDockerCredentials('a.example.com', { HOME: join(folder, 'nobody') })).toBeUndefined();
  });

  test.each([
    ['broken', 'the agent is locked'],
    ['odd', 'no JSON with a Secret'],
    ['not-installed', 'it is not installed'],
    ['../evil', 'no name of a helper'],
  ])('the helper %s', async (name, why) => {
    await expect(read('a.example.com', { credHelpers: { 'a.example.com': name } })).rejects.toMatchObject({
      code: 'CREDENTIAL_HELPER_FAILED',
      message: expect.stringContaining(why),
    });
  });
});
