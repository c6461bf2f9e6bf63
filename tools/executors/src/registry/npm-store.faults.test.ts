import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startFaultProxy, type FaultProxy } from '../testing/fault-proxy.ts';
import { makeTarball } from '../testing/npm-packages.ts';
import { testStage } from '../testing/stages.ts';
import { startVerdaccio, type TestVerdaccio } from '../testing/verdaccio.ts';
import { redirection } from './http.ts';
import { openNpmStore } from './npm-store.ts';
import type { StageStore } from './types.ts';

const HOW = { tag: 'latest', access: 'public' } as const;

describe('the npm store against a registry that misbehaves', () => {
  let registry: TestVerdaccio;
  let proxy: FaultProxy;
  let straight: StageStore;
  let store: StageStore;
  let temp: string;
  let count = 0;

  beforeAll(async () => {
    registry = await startVerdaccio();
    proxy = await startFaultProxy({ target: registry.url });
    temp = await mkdtemp(join(tmpdir(), 'sluice-faults-'));
    const token = await registry.token();
    straight = openNpmStore(testStage({ registry: registry.url, token }));
    store = openNpmStore(testStage({ registry: proxy.url, token }), {
      memoryLimit: 50_000,
      tempFolder: temp,
    });
  });
  afterAll(async () => {
    await store.close();
    await straight.close();
    await proxy.close();
    await registry.close();
    await rm(temp, { recursive: true });
  });
  beforeEach(() => {
    proxy.rules.length = 0;
    proxy.requests.length = 0;
  });

  const make = (size = 10) =>
    makeTarball({
      name: `@acme/lib-${(count += 1)}`,
      version: '1.0.0',
      files: { 'a.bin': Buffer.alloc(size, 'abcdefg') },
      level: 0,
    });
  const published = async (size?: number) => {
    const bytes = await make(size);
    await straight.put(bytes, bytes.manifest, HOW);
    return bytes;
  };

  it('finds a version that was taken in although the answer was lost', async () => {
    const bytes = await make();
    proxy.rules.push({ method: 'PUT', fault: { do: 'lose-answer' } });
    await expect(store.put(bytes, bytes.manifest, HOW)).rejects.toMatchObject({
      code: 'REGISTRY_UNREACHABLE',
      transient: true,
    });
    expect(await store.put(bytes, bytes.manifest, HOW)).toBe('present');
    expect((await store.fetch(bytes.manifest.name, '1.0.0')).integrity).toBe(bytes.integrity);
  });

  it.each([10, 3_000_000])(
    'leaves nothing behind where a body of %d bytes was cut while sending',
    async (size) => {
      const bytes = await make(size);
      proxy.rules.push({ method: 'PUT', fault: { do: 'cut-request', after: 20 } });
      const streamed = { ...bytes, buffer: size > 100 ? undefined : bytes.buffer };
      await expect(store.put(streamed, bytes.manifest, HOW)).rejects.toMatchObject({ transient: true });
      expect((await straight.look(bytes.manifest.name)).exists).toBe(false);
      expect(await store.put(streamed, bytes.manifest, HOW)).toBe('accepted');
    },
  );

  it.each([
    ['small', 100],
    ['large', 200_000],
  ])('throws half of a %s tarball away', async (_, size) => {
    const bytes = await published(size);
    proxy.rules.push({ path: /\.tgz/, fault: { do: 'cut-answer', after: size } });
    const fetch = () => store.fetch(bytes.manifest.name, '1.0.0');
    await expect(fetch()).rejects.toMatchObject({ code: 'REGISTRY_ANSWER_CUT', transient: true });
    const back = await fetch();
    expect(back.integrity).toBe(bytes.integrity);
    await back.dispose();
    expect(await readdir(temp)).toEqual([]);
  });

  it('hashes what arrived, not what was promised', async () => {
    const bytes = await published();
    const path = /\.tgz/;
    proxy.rules.push({ path, fault: { do: 'corrupt' } }, { path, fault: { do: 'half-body' } });
    const corrupt = await store.fetch(bytes.manifest.name, '1.0.0');
    const half = await store.fetch(bytes.manifest.name, '1.0.0');
    expect(corrupt.size).toBe(bytes.size);
    expect(corrupt.integrity).not.toBe(bytes.integrity);
    expect(half.size).toBeLessThan(bytes.size);
  });

  it('does not take half a packument for a whole one', async () => {
    const { manifest } = await published();
    for (const fault of [{ do: 'half-body' }, { do: 'cut-answer', after: 50 }] as const) {
      proxy.rules.push({ fault });
      await expect(store.look(manifest.name)).rejects.toMatchObject({
        code: 'REGISTRY_ANSWER_CUT',
        transient: true,
      });
    }
    expect((await store.look(manifest.name)).versions.size).toBe(1);
  });

  it('says that a page came where JSON belongs', async () => {
    proxy.rules.push({ fault: { do: 'html' } });
    await expect(store.look('@acme/lib')).rejects.toMatchObject({
      code: 'REGISTRY_ANSWER_NOT_JSON',
      message: expect.stringMatching(/text\/html.*Sign in to the network/s),
    });
  });

  it('hands on what is transient, with the time to wait', async () => {
    const answer = (status: number, headers = {}) =>
      proxy.rules.push({ fault: { do: 'answer', status, headers } });
    answer(503);
    answer(429, { 'retry-after': '2' });
    await expect(store.look('@acme/lib')).rejects.toMatchObject({ code: 'REGISTRY_FAILED', transient: true });
    await expect(store.look('@acme/lib')).rejects.toMatchObject({
      code: 'RATE_LIMITED',
      transient: true,
      retryAfterMs: 2000,
    });
    expect(proxy.requests).toHaveLength(2);
  });

  it('ends at once when the caller does, and as the caller says', async () => {
    proxy.rules.push({ fault: { do: 'hang' } });
    const reason = new Error('timed out by the engine');
    const controller = new AbortController();
    const looking = store.look('@acme/lib', controller.signal);
    setTimeout(() => controller.abort(reason), 20);
    await expect(looking).rejects.toBe(reason);
  });

  it('does not see a version that is not visible yet', async () => {
    const bytes = await published();
    proxy.rules.push({ fault: { do: 'hide', version: '1.0.0' } });
    expect((await store.look(bytes.manifest.name)).exists).toBe(false);
    expect((await store.look(bytes.manifest.name)).versions.has('1.0.0')).toBe(true);
  });

  it('asks many at the same time when the registry is far away', async () => {
    const far = await startFaultProxy({ target: registry.url, delayMs: 60 });
    const distant = openNpmStore(testStage({ registry: far.url }));
    const begun = performance.now();
    await Promise.all(Array.from({ length: 32 }, (_, i) => distant.look(`@acme/none-${i}`)));
    expect(performance.now() - begun).toBeLessThan(32 * 60 * 0.5);
    expect(far.concurrent.most).toBe(32);
    await distant.close();
    await far.close();
  });

  it('says that nothing listens there, and that a host is unknown', async () => {
    const closed = openNpmStore(testStage({ registry: 'http://127.0.0.1:1' }));
    await expect(closed.look('x')).rejects.toMatchObject({
      code: 'REGISTRY_UNREACHABLE',
      transient: true,
      message: expect.stringContaining('refused'),
    });
    await closed.close();
  });
});

describe('redirections', () => {
  it('never lead from https to plain http, and only where the status says so', () => {
    const from = 'https://npm.example.com/a/b';
    expect(redirection(from, 302, 'https://cdn.example.com/x')).toBe('https://cdn.example.com/x');
    expect(redirection(from, 308, '/c')).toBe('https://npm.example.com/c');
    expect(redirection(from, 302, 'http://npm.example.com/x')).toBeUndefined();
    expect(redirection(from, 302, undefined)).toBeUndefined();
    expect(redirection(from, 404, '/c')).toBeUndefined();
  });

  it('are followed for tarballs, and the token stays at home', async () => {
    const bytes = await makeTarball({ name: 'lib', version: '1.0.0' });
    const seen: Record<string, string | undefined> = {};
    const listen = (handler: Parameters<typeof createServer>[1]) =>
      new Promise<{ url: string; close: () => void }>((resolve) => {
        const server = createServer(handler!).listen(0, '127.0.0.1', () =>
          resolve({
            url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
            close: () => {
              server.closeAllConnections();
              server.close();
            },
          }),
        );
      });
    const cdn = await listen((request, response) => {
      seen['cdn'] = request.headers.authorization;
      response.end(bytes.buffer);
    });
    const home = await listen((request, response) => {
      seen['home'] = request.headers.authorization;
      response.writeHead(302, { location: `${cdn.url}/signed` }).end();
    });
    const store = openNpmStore(testStage({ registry: home.url, token: 'home-token' }));
    const back = await store.fetch('lib', '1.0.0', 'http://elsewhere.example.com/lib/-/lib-1.0.0.tgz');
    expect(back.integrity).toBe(bytes.integrity);
    expect(seen).toEqual({ home: 'Bearer home-token', cdn: undefined });
    await store.close();
    home.close();
    cdn.close();
  });
});
