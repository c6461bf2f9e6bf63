import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Descriptor } from '../../registry/oci/types.ts';
import { blobPath } from './layout.ts';

/** Uncompressed digest -> the compressed layer of some layout. */
export type KnownLayers = ReadonlyMap<string, { path: string; size: number }>;

/** The layers of a layout; none where it cannot be read, for it only spares work. */
export async function knownLayers(layout: string): Promise<KnownLayers> {
  const known = new Map<string, { path: string; size: number }>();
  const json = async (path: string) => JSON.parse(await readFile(path, 'utf8')) as Partial<Document>;
  const visit = async (path: string): Promise<void> => {
    const { manifests = [], config, layers = [] } = await json(path);
    for (const { digest } of manifests) await visit(blobPath(layout, digest));
    if (!config) return;
    const { rootfs } = await json(blobPath(layout, config.digest));
    for (const [i, { digest, size }] of layers.entries()) {
      const diffId = rootfs?.diff_ids[i];
      const path = blobPath(layout, digest);
      if (diffId !== undefined && (await stat(path)).size === size) known.set(diffId, { path, size });
    }
  };
  await visit(join(layout, 'index.json')).catch(() => {});
  return known;
}
interface Document {
  manifests: Descriptor[];
  config: Descriptor;
  layers: Descriptor[];
  rootfs: { diff_ids: string[] };
}
