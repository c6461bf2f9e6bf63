import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo, LookupFunction } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { request, type Dispatcher } from 'undici';
import { redact } from '../foundation/index.ts';
import { readClientConfig } from './client-config.ts';

let root: string;
let home: string;
let env: Record<string, string>;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sluice-client-'));
  home = join(root, 'home');
  await mkdir(join(root, 'project'), { recursive: true });
  await mkdir(home);
  await writeFile(join(root, 'project', 'package.json'), '{}');
  // No npm is on this PATH, and no configuration of the machine counts.
  env = { HOME: home, PATH: '', PREFIX: join(root, 'nowhere') };
});
afterEach(() => rm(root, { recursive: true, force: true }));

const project = (): string => join(root, 'project');
const userFile = (text: string): Promise<void> => writeFile(join(home, '.npmrc'), text);
const projectFile = (text: string): Promise<void> => writeFile(join(project(), '.npmrc'), text);

describe('the default registry', () => {
  test('without any configuration is the one built into npm', async () => {
    const { registry, flat } = await readClientConfig(project(), env);
    expect(new URL(registry).protocol).toBe('https:');
    expect(flat['registry']).toBe(registry);
  });
  test('comes from the user’s file, then the project’s, then the environment', async () => {
    await userFile('registry=http://user.example.com/\n');
    expect((await readClientConfig(project(), env)).registry).toBe('http://user.example.com/');
    await projectFile('registry=http://project.example.com/\n');
    expect((await readClientConfig(project(), env)).registry).toBe('http://project.example.com/');
    env['npm_config_registry'] = 'http://env.example.com/';
    expect((await readClientConfig(project(), env)).registry).toBe('http://env.example.com/');
  });
  test('is shown without a password that stands in its address, and that password is known', async () => {
    await userFile('registry=http://me:open%20sesame@user.example.com/npm/\n');
    expect((await readClientConfig(project(), env)).registry).toBe('http://user.example.com/npm/');
    expect(redact('open sesame, open%20sesame')).toBe('[redacted], [redacted]');
  });
  test('comes from the project’s file in a folder below it too', async () => {
    await projectFile('registry=http://project.example.com/\n');
    await mkdir(join(project(), 'src'));
    expect((await readClientConfig(join(project(), 'src'), env)).registry).toBe(
      'http://project.example.com/',
    );
  });
  test('reading it changes neither the environment given nor our own', async () => {
    const [given, own] = [{ ...env }, { ...process.env }];
    await readClientConfig(project(), env);
    expect(env).toEqual(given);
    expect({ ...process.env }).toEqual(own);
  });
});

describe('tokens', () => {
  beforeEach(() =>
    userFile(
      [
        '//npm.example.com/:_authToken=root-token-1',
        '//npm.example.com/team/:_authToken=team-token-2',
        '//other.example.com:8443/:_authToken=${OTHER_TOKEN}',
        '//basic.example.com/:_auth=dXNlcjpwYXNzd29yZA==',
      ].join('\n'),
    ),
  );
  test.each([
    ['https://npm.example.com', 'root-token-1'],
    ['https://npm.example.com/', 'root-token-1'],
    ['https://npm.example.com/team', 'team-token-2'],
    ['https://npm.example.com/team/deeper', 'team-token-2'],
    ['https://npm.example.com/teams', 'root-token-1'],
    ['https://other.example.com:8443', 'from-environment'],
    ['https://other.example.com', undefined],
    ['https://npm.example.com.evil.example.com', undefined],
    ['https://basic.example.com', undefined],
  ])('for %s', async (url, token) => {
    const { tokenFor } = await readClientConfig(project(), { ...env, OTHER_TOKEN: 'from-environment' });
    expect(tokenFor(url)?.reveal()).toBe(token);
  });
  test('are redacted from all output as soon as they were read', async () => {
    await userFile('//secret.example.com/:_authToken=never-to-be-printed\n');
    await readClientConfig(project(), env);
    expect(redact('x never-to-be-printed y')).toBe('x [redacted] y');
  });
});

describe('connections', () => {
  let servers: Server[] = [];
  let dispatchers: Dispatcher[] = [];
  afterEach(async () => {
    await Promise.all(dispatchers.map((d) => d.destroy()));
    for (const server of servers) server.close().closeAllConnections();
    [servers, dispatchers] = [[], []];
  });
  async function serve(text: string): Promise<string> {
    const server = createServer((_, response) => response.end(text));
    // Tunnels are asked for with CONNECT: whatever is asked for, this one leads to itself.
    server.on('connect', (_, socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      server.emit('connection', socket);
    });
    servers.push(server);
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
  async function get(url: string): Promise<string> {
    // Every name is this machine: what is not proxied must not leave it either.
    const lookup: LookupFunction = (_, __, done) => done(null, [{ address: '127.0.0.1', family: 4 }]);
    const dispatcher = (await readClientConfig(project(), env)).dispatcher({ connect: { lookup } });
    dispatchers.push(dispatcher);
    const { body } = await request(url, { dispatcher });
    return body.text();
  }

  test('go through the proxy of the configuration', async () => {
    await userFile(`proxy=${await serve('proxy')}\n`);
    expect(await get('http://npm.example.com/')).toBe('proxy');
  });
  test('go through the proxy of the environment', async () => {
    env['HTTP_PROXY'] = await serve('proxy');
    expect(await get('http://npm.example.com/')).toBe('proxy');
  });
  test('go directly where noproxy says so', async () => {
    env['http_proxy'] = await serve('proxy');
    env['no_proxy'] = 'other.example.com,npm.invalid';
    const { port } = new URL(await serve('direct'));
    expect(await get(`http://sub.npm.invalid:${port}/`)).toBe('direct');
    expect(await get(`http://npm.example.com:${port}/`)).toBe('proxy');
  });
  test('to loopback never go through a proxy', async () => {
    env['http_proxy'] = await serve('proxy');
    expect(await get(await serve('direct'))).toBe('direct');
  });
  test('are direct without one, whatever our own process has', async () => {
    expect(await get(await serve('direct'))).toBe('direct');
  });
});
