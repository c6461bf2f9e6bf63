import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { errors, type SluiceError } from '../../foundation/index.ts';
import { parsed } from './answer-parts.ts';
import { isDigest, sha256 } from './names.ts';
import { descriptorOf, documentOf } from './referrers.ts';
import type { Descriptor, ImageSource, Manifest } from './types.ts';

/** An OCI image layout: the folder, and the one thing that its `index.json` names. */
export interface Layout extends ImageSource {
  root: Descriptor;
}

/**
 * Opens an OCI image layout folder as something to copy from. What is attached to an image may stand in its `index.json` too,
 * beside the one descriptor that is the artifact.
 * @throws LAYOUT_INVALID
 */
export async function openLayout(folder: string): Promise<Layout> {
  const invalid = (why: string, cause?: unknown): SluiceError =>
    errors.LAYOUT_INVALID({ folder, why }, { cause });
  const file = (digest: string): string => join(folder, 'blobs', 'sha256', digest.slice('sha256:'.length));

  const text = await readFile(join(folder, 'index.json')).catch((cause: unknown) => {
    throw invalid('it has no index.json', cause);
  });
  const entries = (parsed(text) as { manifests?: Descriptor[] } | undefined)?.manifests;
  if (!Array.isArray(entries) || !entries.every((entry) => isDigest(entry?.digest)))
    throw invalid('its index.json lists no manifests by sha256 digest');
  const manifests = new Map<string, Manifest>();
  for (const { digest, mediaType } of entries) manifests.set(digest, await stored(digest, mediaType));
  const attached = [...manifests.values()].filter((each) => documentOf(each).subject !== undefined);
  const roots = entries.filter(({ digest }) => !attached.some((each) => each.digest === digest));
  const [root] = roots;
  if (root === undefined || roots.length > 1)
    throw invalid(`its index.json names ${roots.length} images, and should name one`);

  async function stored(digest: string, mediaType?: string): Promise<Manifest> {
    const bytes = await readFile(file(digest)).catch((cause: unknown) => {
      throw invalid(`${digest} is missing`, cause);
    });
    const found = sha256(bytes);
    if (found !== digest) throw invalid(`${digest} was changed: its file is ${found}`);
    const { mediaType: own } = (parsed(bytes) ?? {}) as { mediaType?: string };
    return { digest, mediaType: own ?? mediaType ?? '', bytes };
  }

  async function blob(digest: string, { from = 0 }: { from?: number } = {}): Promise<Readable> {
    const stream = createReadStream(file(digest), { start: from, highWaterMark: 256 * 1024 });
    await new Promise<void>((resolve, reject) => {
      stream.once('open', () => resolve());
      stream.once('error', (cause) => reject(invalid(`${digest} is missing`, cause)));
    });
    return stream;
  }

  return {
    host: '',
    name: folder,
    root,
    manifest: (digest) => stored(digest, entries.find((entry) => entry.digest === digest)?.mediaType),
    blob,
    differs: (digest, found) => invalid(`${digest} was changed: its file is ${found}`),
    referrers: async (digest) =>
      attached.filter((each) => documentOf(each).subject?.digest === digest).map(descriptorOf),
  };
}
