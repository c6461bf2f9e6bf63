import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { floorPromote, floorPublish } from './floor.ts';
import { packageGraph } from './graph.ts';
import { bodyOf } from './tarballs.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

/** Writes down every request when it comes in and when it is answered. */
async function recorder(): Promise<{ url: string; log: string[]; most: () => number }> {
  const log: string[] = [];
  let open = 0;
  let most = 0;
  const server = createServer((request, response) => {
    most = Math.max(most, ++open);
    log.push(`${request.method} ${request.url}`);
    request.resume().on('end', () =>
      setImmediate(() => {
        open--;
        log.push(`done ${request.method} ${request.url}`);
        response.end('x');
      }),
    );
  });
  servers.push(server);
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, log, most: () => most };
}

const packages = packageGraph(20).map((one) => ({
  ...one,
  tarball: '',
  ...bodyOf(one, {}, Buffer.from(one.name)),
}));
const paths = new Map(packages.map((one) => [one.name, one.path]));

function assertOrder(log: string[]): void {
  for (const { path, dependencies } of packages) {
    const start = log.indexOf(`PUT ${path}`);
    expect(start).toBeGreaterThan(-1);
    for (const name of dependencies) {
      const done = log.indexOf(`done PUT ${paths.get(name)}`);
      expect(done).toBeGreaterThan(-1);
      expect(done).toBeLessThan(start);
    }
  }
}

test('a PUT starts when the PUTs of its dependencies are answered, on no more connections than asked for', async () => {
  const target = await recorder();
  await floorPublish(packages, { url: target.url, token: 't' }, 4);
  expect(target.log.filter((line) => line.startsWith('PUT'))).toHaveLength(20);
  assertOrder(target.log);
  expect(target.most()).toBeGreaterThan(1);
  expect(target.most()).toBeLessThanOrEqual(4);
});

test('promoting reads each tarball before and after its PUT, and fetching does not wait for dependencies', async () => {
  const source = await recorder();
  const target = await recorder();
  await floorPromote(packages, { url: source.url, token: 't' }, { url: target.url, token: 't' }, 32);
  assertOrder(target.log);
  for (const { path, tarballPath } of packages) {
    expect(source.log).toContain(`GET ${tarballPath}`);
    expect(target.log.indexOf(`GET ${tarballPath}`)).toBeGreaterThan(target.log.indexOf(`done PUT ${path}`));
  }
});

test('a refused request fails the measurement', async () => {
  const server = createServer((request, response) => {
    request.resume();
    response.statusCode = 403;
    response.end('no');
  });
  servers.push(server);
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await expect(floorPublish(packages.slice(0, 1), { url, token: 't' }, 1)).rejects.toThrow('403 no');
});
