import type { Descriptor } from '../../registry/oci/types.ts';
import { componentsOf, type ImageComponent } from './contents/components.ts';
import { ImageContents, LayerInventory } from './contents/inventory.ts';
import { normalConfig, platformOf } from './config.ts';
import { OCI, type LayoutWriter, type StoredLayer } from './layout.ts';
import { openSaved, type SavedImage } from './saved.ts';

export interface NormaliseOptions {
  writer: LayoutWriter;
  /** Seconds since 1970. */
  epoch: number;
  /** Labels of the image, and annotations of its manifest. */
  labels: Readonly<Record<string, string>>;
  /** Further annotations of the manifest. */
  annotations: Readonly<Record<string, string>>;
  /**
   * `sha256:...` of the base's uncompressed layers, a list for each of its platforms: they stay as they are, so that hosts
   * that have the base need not unpack it again.
   */
  baseLayers: readonly (readonly string[])[];
  signal?: AbortSignal | undefined;
}

export interface NormalImage {
  descriptor: Descriptor;
  components: ImageComponent[];
}

/** Layers that are compressed at a time; each takes one processor. */
const AT_ONCE = 2;

/**
 * Writes what a builder saved into the layout, in a form that depends on its content alone: one manifest, or an index over
 * several platforms. Throws plain errors for an archive that cannot be read.
 */
export async function normaliseArchive(file: string, options: NormaliseOptions): Promise<NormalImage> {
  const { images, close } = await openSaved(file);
  try {
    const done: NormalImage[] = [];
    for (const image of images) done.push(await normaliseImage(image, options));
    const [only] = done;
    if (only && done.length === 1) return only;
    const descriptor = await options.writer.json(OCI.index, {
      schemaVersion: 2,
      mediaType: OCI.index,
      manifests: done.map((one) => one.descriptor).sort(byPlatform),
      annotations: { ...options.labels, ...options.annotations },
    });
    const components = new Map(
      done.flatMap((one) => one.components.map((item) => [item.purl, item] as const)),
    );
    return { descriptor, components: [...components.values()].sort((a, b) => (a.purl < b.purl ? -1 : 1)) };
  } finally {
    await close();
  }
}

async function normaliseImage(image: SavedImage, options: NormaliseOptions): Promise<NormalImage> {
  const { writer, epoch, labels, annotations, baseLayers, signal } = options;
  const { diff_ids: said = [] } = (image.config['rootfs'] ?? {}) as { diff_ids?: string[] };
  if (said.length !== image.layers.length)
    throw new Error(`its configuration names ${said.length} layers, and there are ${image.layers.length}`);
  const ofBase = Math.max(0, ...baseLayers.map((base) => common(base, said)));

  const inventories = image.layers.map(() => new LayerInventory());
  const layers: StoredLayer[] = [];
  const queue = image.layers.entries();
  const worker = async (): Promise<void> => {
    for (const [i, layer] of queue) {
      signal?.throwIfAborted();
      const inventory = inventories[i] as LayerInventory;
      const source = layer.open();
      const stored =
        i < ofBase
          ? await writer.unchanged(source, inventory, said[i] ?? '')
          : await writer.layer(source, inventory, epoch);
      if (stored.was !== said[i]) throw new Error(`layer ${i + 1} is ${stored.was} and should be ${said[i]}`);
      layers[i] = stored;
    }
  };
  const workers = await Promise.allSettled(Array.from({ length: AT_ONCE }, worker));
  for (const one of workers) if (one.status === 'rejected') throw one.reason;

  const contents = new ImageContents();
  for (const inventory of inventories) contents.add(inventory);
  const config = await writer.bytes(
    OCI.config,
    normalConfig(image.config, { epoch, labels, layers: layers.map(({ diffId }) => diffId) }),
  );
  const manifest = await writer.json(OCI.manifest, {
    schemaVersion: 2,
    mediaType: OCI.manifest,
    config,
    layers: layers.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
    annotations: { ...labels, ...annotations },
  });
  return {
    descriptor: { ...manifest, platform: { ...platformOf(image.config) } },
    components: componentsOf(contents),
  };
}

/** How many layers two images share, from the bottom. */
function common(base: readonly string[], said: readonly string[]): number {
  const first = base.findIndex((diffId, i) => diffId !== said[i]);
  return first === -1 ? base.length : first;
}

const byPlatform = (a: Descriptor, b: Descriptor): number =>
  JSON.stringify(a.platform) < JSON.stringify(b.platform) ? -1 : 1;
