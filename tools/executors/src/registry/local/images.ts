import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { readJson, writePrivate } from './files.ts';
import type { Hosted } from './host.ts';
import { startOciRegistry } from './oci/index.ts';
import { stagePaths, type LocalPaths } from './paths.ts';

/** The name under which the registry of container images is asked for, beside the package stages. */
export const IMAGES = 'images';
/** What is deployed names its image by this port: it should stay the same. */
const FIRST_PORT = 4890;

interface Kept {
  token: string;
  port: number;
}

/**
 * Starts the image registry of a workspace. Everybody on this machine may read, as hosts do without credentials; writing needs
 * the user `sluice` with the token, as in the package registries.
 */
export async function hostImages(local: LocalPaths): Promise<{ hosted: Hosted; close(): Promise<void> }> {
  const { folder, storage, credentials } = stagePaths(local, IMAGES);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const kept = await readJson<Kept>(credentials);
  const token = kept?.token ?? randomBytes(24).toString('base64url');
  const preferred = kept?.port ?? FIRST_PORT;
  const registry = await startOciRegistry({ folder: storage, port: preferred, password: token });
  if (kept?.port !== registry.port)
    await writePrivate(credentials, JSON.stringify({ token, port: registry.port } satisfies Kept));
  const url = `http://${registry.host}`;
  const note =
    registry.port === preferred || kept === undefined
      ? undefined
      : `port ${preferred} is taken: the image registry is at ${url}, and what was deployed from ${preferred} is not pulled from there`;
  return { hosted: { url, token, storage, ...(note && { note }) }, close: registry.close };
}
