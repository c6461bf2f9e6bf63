import type { Readable } from 'node:stream';
import { openArchive, type Archive } from './archive.ts';

/** One image of an archive that a builder wrote. */
export interface SavedImage {
  /** The image's configuration as the builder wrote it. */
  config: Record<string, unknown>;
  /** Its layers from the bottom, maybe compressed. */
  layers: { open(): Readable }[];
}
export interface SavedImages {
  images: SavedImage[];
  close(): Promise<void>;
}

interface Listed {
  digest: string;
  mediaType?: string;
  annotations?: Record<string, string>;
}

/** The images in what `docker save`, `podman save` or BuildKit's `type=oci` wrote: one, or one for each platform. */
export async function openSaved(file: string): Promise<SavedImages> {
  const archive = await openArchive(file);
  try {
    const images = archive.has('manifest.json') ? await ofDocker(archive) : await ofOci(archive);
    if (images.length === 0) throw new Error('the archive holds no image');
    return { images, close: () => archive.close() };
  } catch (error) {
    await archive.close();
    throw error;
  }
}

async function ofDocker(archive: Archive): Promise<SavedImage[]> {
  const listed = (await json(archive, 'manifest.json')) as unknown as {
    Config: string;
    Layers: string[] | null;
  }[];
  return Promise.all(
    listed.map(async ({ Config, Layers }) => ({
      config: await json(archive, Config),
      layers: (Layers ?? []).map((path) => ({ open: () => archive.stream(path) })),
    })),
  );
}

const blob = (digest: string): string => `blobs/${digest.replace(':', '/')}`;

async function ofOci(archive: Archive, path = 'index.json'): Promise<SavedImage[]> {
  const document = await json(archive, path);
  if (Array.isArray(document['manifests'])) {
    const manifests = (document['manifests'] as Listed[]).filter((one) => !isStatement(one));
    return (await Promise.all(manifests.map(({ digest }) => ofOci(archive, blob(digest))))).flat();
  }
  const { config, layers } = document as unknown as { config: Listed; layers: Listed[] };
  return [
    {
      config: await json(archive, blob(config.digest)),
      layers: layers.map(({ digest }) => ({ open: () => archive.stream(blob(digest)) })),
    },
  ];
}

/** BuildKit's attestations stand in an index like images of no platform. */
const isStatement = ({ annotations }: Listed): boolean =>
  annotations?.['vnd.docker.reference.type'] === 'attestation-manifest';

async function json(archive: Archive, path: string): Promise<Record<string, unknown>> {
  return JSON.parse((await archive.read(path)).toString('utf8')) as Record<string, unknown>;
}
