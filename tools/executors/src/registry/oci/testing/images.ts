import { createHash } from 'node:crypto';
import { mkdir, open, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { IMAGE_INDEX, IMAGE_MANIFEST, sha256 } from '../names.ts';
import type { Descriptor, Manifest } from '../types.ts';

const LAYER = 'application/vnd.oci.image.layer.v1.tar';
const CONFIG = 'application/vnd.oci.image.config.v1+json';

/** Writes OCI layouts of made-up images. The layers are no archives: no registry looks into them. */
export class TestLayout {
  readonly folder: string;
  constructor(folder: string) {
    this.folder = folder;
  }

  async blob(bytes: Buffer, mediaType: string): Promise<Descriptor> {
    await mkdir(join(this.folder, 'blobs', 'sha256'), { recursive: true });
    const digest = sha256(bytes);
    await writeFile(this.file(digest), bytes);
    return { mediaType, digest, size: bytes.length };
  }
  file(digest: string): string {
    return join(this.folder, 'blobs', 'sha256', digest.slice(7));
  }

  /** A layer of so many bytes, of a pattern that the seed decides; written piece by piece. */
  async layer(size: number, seed: string): Promise<Descriptor> {
    await mkdir(join(this.folder, 'blobs', 'sha256'), { recursive: true });
    const hash = createHash('sha256');
    const draft = this.file(`sha256:draft-${seed.replaceAll('/', '-')}`);
    const file = await open(draft, 'w');
    // Different from piece to piece, so that a piece in the wrong place is found out.
    const piece = Buffer.alloc(1024 * 1024, createHash('sha512').update(seed).digest());
    for (let done = 0; done < size; done += piece.length) {
      piece.writeUInt32LE(done / piece.length, 0);
      const part = piece.subarray(0, Math.min(piece.length, size - done));
      hash.update(part);
      await file.writeFile(part);
    }
    await file.close();
    const digest = `sha256:${hash.digest('hex')}`;
    await rename(draft, this.file(digest));
    return { mediaType: LAYER, digest, size };
  }

  async image(layers: Descriptor[], extra: Record<string, unknown> = {}): Promise<Descriptor> {
    const config = await this.blob(
      Buffer.from(
        JSON.stringify({
          architecture: 'amd64',
          os: 'linux',
          config: {},
          rootfs: { type: 'layers', diff_ids: layers.map((layer) => layer.digest) },
        }),
      ),
      CONFIG,
    );
    return this.manifest({ schemaVersion: 2, mediaType: IMAGE_MANIFEST, config, layers, ...extra });
  }

  async index(manifests: Descriptor[]): Promise<Descriptor> {
    return this.manifest({ schemaVersion: 2, mediaType: IMAGE_INDEX, manifests });
  }

  /** Any JSON as a manifest. */
  async manifest(document: { mediaType: string } & Record<string, unknown>): Promise<Descriptor> {
    return this.blob(Buffer.from(JSON.stringify(document, undefined, 3)), document.mediaType);
  }

  /** The layout's `index.json`: the root, and perhaps what is attached. */
  async write(...entries: Descriptor[]): Promise<void> {
    await writeFile(join(this.folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
    await writeFile(
      join(this.folder, 'index.json'),
      JSON.stringify({ schemaVersion: 2, mediaType: IMAGE_INDEX, manifests: entries }),
    );
  }
}

/** A manifest of our own making, ready to be put. */
export function manifestOf(document: { mediaType: string } & Record<string, unknown>): Manifest {
  const bytes = Buffer.from(JSON.stringify(document));
  return { digest: sha256(bytes), mediaType: document.mediaType, bytes };
}
