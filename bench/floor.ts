import { Pool } from 'undici';
import { performance } from 'node:perf_hooks';
import type { Registry } from './registries.ts';
import type { Prepared } from './tarballs.ts';

/**
 * The least that a client can take: the prepared bodies over `connections` kept-alive connections, in graph order (a PUT
 * starts when the PUTs of its dependencies are answered). Returns milliseconds, connecting included, preparing not.
 */
export async function floorPublish(
  packages: Prepared[],
  target: Pick<Registry, 'url' | 'token'>,
  connections: number,
): Promise<number> {
  return timed([target.url], connections, async ([pool]) => {
    await inOrder(packages, async (one, dependencies) => {
      await dependencies;
      await put(pool!, one, target.token);
    });
  });
}

/**
 * The least for moving packages to a second registry with reading back: GET the tarball from the source, PUT, GET it from the
 * target. Only the PUT waits for the dependencies' PUTs; fetching runs ahead.
 */
export async function floorPromote(
  packages: Prepared[],
  source: Pick<Registry, 'url' | 'token'>,
  target: Pick<Registry, 'url' | 'token'>,
  connections: number,
): Promise<number> {
  return timed([source.url, target.url], connections, async ([from, to]) => {
    const readBack: Promise<void>[] = [];
    await inOrder(packages, async (one, dependencies) => {
      await get(from!, one, source.token);
      await dependencies;
      await put(to!, one, target.token);
      readBack.push(get(to!, one, target.token));
    });
    await Promise.all(readBack);
  });
}

/** Starts `work` for every package at once, each with the promise that its dependencies' work is done. */
export async function inOrder<T extends { name: string; dependencies: string[] }>(
  packages: T[],
  work: (one: T, dependencies: Promise<unknown>) => Promise<void>,
): Promise<void> {
  const done = new Map<string, Promise<void>>();
  for (const one of packages) {
    done.set(one.name, work(one, Promise.all(one.dependencies.map((name) => done.get(name)))));
  }
  await Promise.all(done.values());
}

async function timed(
  origins: string[],
  connections: number,
  work: (pools: Pool[]) => Promise<void>,
): Promise<number> {
  const pools = origins.map((origin) => new Pool(origin, { connections, pipelining: 1 }));
  try {
    const started = performance.now();
    await work(pools);
    return performance.now() - started;
  } finally {
    await Promise.all(pools.map((pool) => pool.close()));
  }
}

async function put(pool: Pool, one: Prepared, token: string): Promise<void> {
  const { statusCode, body } = await pool.request({
    method: 'PUT',
    path: one.path,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: one.body,
  });
  const text = await body.text();
  if (statusCode >= 300) throw new Error(`PUT ${one.path}: ${statusCode} ${text.slice(0, 200)}`);
}

async function get(pool: Pool, one: Prepared, token: string): Promise<void> {
  const { statusCode, body } = await pool.request({
    method: 'GET',
    path: one.tarballPath,
    headers: { authorization: `Bearer ${token}` },
  });
  const bytes = await body.arrayBuffer();
  if (statusCode !== 200 || bytes.byteLength === 0) throw new Error(`GET ${one.tarballPath}: ${statusCode}`);
}
