import { Pool } from 'undici';
import type { Registry } from './registries.ts';
import { integrityOf } from './tarballs.ts';

/** What is in a registry after a run, looked at without the delay. */
export interface Found {
  /** Versions that are there and whose tarball can be downloaded. */
  complete: number;
  /** Of these, tarballs with the expected bytes. */
  same: number;
}

const LOOK_MS = 60_000;

/** Downloads every expected version (name -> version and integrity) and hashes it; takes a minute at most. */
export async function inspect(
  registry: Pick<Registry, 'direct' | 'token'>,
  expected: { name: string; version: string; integrity: string }[],
): Promise<Found> {
  const pool = new Pool(registry.direct, { connections: 16 });
  const signal = AbortSignal.timeout(LOOK_MS);
  const headers = { authorization: `Bearer ${registry.token}` };
  const found: Found = { complete: 0, same: 0 };
  const look = async ({ name, version, integrity }: (typeof expected)[number]): Promise<void> => {
    const answer = await pool.request({
      method: 'GET',
      path: `/${name.replace('/', '%2f')}`,
      headers,
      signal,
    });
    const packument = (await answer.body.json()) as {
      versions?: Record<string, { dist: { tarball: string } }>;
    };
    const tarball = packument.versions?.[version]?.dist.tarball;
    if (tarball === undefined) return;
    const download = await pool.request({ method: 'GET', path: new URL(tarball).pathname, headers, signal });
    const bytes = Buffer.from(await download.body.arrayBuffer());
    if (download.statusCode !== 200) return;
    found.complete++;
    if (integrityOf(bytes) === integrity) found.same++;
  };
  try {
    await Promise.all(expected.map(look));
    return found;
  } finally {
    await pool.destroy();
  }
}
