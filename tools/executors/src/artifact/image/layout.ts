import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { access, copyFile, link, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform, Writable, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip, createZstdDecompress } from 'node:zlib';
import type { Descriptor } from '../../registry/oci/types.ts';
import type { KnownLayers } from './known-layers.ts';
import { LayerTar, type LayerReader } from './layer-tar.ts';

export const OCI = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
} as const;

/** Another level would give every layer another digest. */
const GZIP_LEVEL = 6;
/** Byte 9 of a gzip stream names the system that wrote it; 255 is "unknown". */
const GZIP_SYSTEM = 9;

export const sha256 = (bytes: Uint8Array): string =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
export const blobPath = (layout: string, digest: string): string =>
  join(layout, 'blobs', ...digest.split(':'));

export interface StoredLayer extends Descriptor {
  /** `sha256:...` of the uncompressed layer as it was, and as it is now. */
  was: string;
  diffId: string;
}

/** Writes an OCI image layout: blobs by their digest, each once. */
export class LayoutWriter {
  readonly #folder: string;
  readonly #stored = new Map<string, number>();
  readonly #known: Map<string, { path: string; size: number }>;

  /** @param known layers that another layout has compressed already */
  constructor(folder: string, known: KnownLayers = new Map()) {
    this.#folder = folder;
    this.#known = new Map(known);
  }

  async open(): Promise<void> {
    await mkdir(join(this.#folder, 'blobs/sha256'), { recursive: true });
    await writeFile(join(this.#folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  }

  /** Bytes of all blobs and manifests. */
  get size(): number {
    return [...this.#stored.values()].reduce((sum, size) => sum + size, 0);
  }

  async bytes(mediaType: string, bytes: Buffer): Promise<Descriptor> {
    const digest = sha256(bytes);
    await writeFile(blobPath(this.#folder, digest), bytes);
    this.#stored.set(digest, bytes.length);
    return { mediaType, digest, size: bytes.length };
  }

  async json(mediaType: string, value: unknown): Promise<Descriptor> {
    return this.bytes(mediaType, Buffer.from(JSON.stringify(value)));
  }

  /**
   * Stores a layer as it is. Where its like has been compressed before, that is taken: a base comes with every build.
   * @param diffId `sha256:...` of the uncompressed layer; what comes is compared with it
   */
  async unchanged(source: Readable, reader: LayerReader, diffId: string): Promise<StoredLayer> {
    const known = this.#known.get(diffId);
    if (!known) return this.layer(source, reader, undefined);
    const was = new Hashing();
    await pipeline(await unpacked(source), was, new LayerTar(reader), drain());
    const { path, size } = known;
    const digest = await this.#adopt(path);
    return { mediaType: OCI.layer, digest, size, was: was.digest, diffId: was.digest };
  }

  /** Takes a blob of another layout, by a hard link where the file system has them; named by what it is found to hold. */
  async #adopt(path: string): Promise<string> {
    const hashing = new Hashing();
    await pipeline(createReadStream(path), hashing, drain());
    const to = blobPath(this.#folder, hashing.digest);
    if (path !== to) {
      await link(path, to).catch(async (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') await copyFile(path, to);
      });
    }
    this.#stored.set(hashing.digest, hashing.size);
    return hashing.digest;
  }

  /**
   * Stores a layer, compressed so that its bytes depend on its content alone (and on the version of zlib). Streams.
   * @param latest seconds since 1970 that no time in the layer may be later than; undefined leaves the layer as it is
   */
  async layer(source: Readable, reader: LayerReader, latest: number | undefined): Promise<StoredLayer> {
    const partial = join(this.#folder, `blobs/.partial-${randomUUID()}`);
    const was = new Hashing();
    const now = new Hashing();
    const packed = new Hashing((chunk, at) => {
      if (at <= GZIP_SYSTEM && at + chunk.length > GZIP_SYSTEM) chunk[GZIP_SYSTEM - at] = 255;
    });
    try {
      await pipeline(
        await unpacked(source),
        was,
        new LayerTar(reader, latest),
        now,
        createGzip({ level: GZIP_LEVEL }),
        packed,
        createWriteStream(partial, { flags: 'wx' }),
      );
      const { digest, size } = packed;
      await rename(partial, blobPath(this.#folder, digest));
      this.#stored.set(digest, size);
      this.#known.set(now.digest, { path: blobPath(this.#folder, digest), size });
      return { mediaType: OCI.layer, digest, size, was: was.digest, diffId: now.digest };
    } finally {
      await rm(partial, { force: true });
    }
  }

  /** Ends the layout: `index.json` names its one artifact. */
  async close(artifact: Descriptor, name: string): Promise<void> {
    await access(blobPath(this.#folder, artifact.digest));
    const annotations = { ...artifact.annotations, 'org.opencontainers.image.ref.name': name };
    const index = { schemaVersion: 2, mediaType: OCI.index, manifests: [{ ...artifact, annotations }] };
    await writeFile(join(this.#folder, 'index.json'), JSON.stringify(index));
  }
}

/** Passes everything through, and knows its sha256 and size afterwards. */
class Hashing extends Transform {
  readonly #hash = createHash('sha256');
  readonly #touch: ((chunk: Buffer, at: number) => void) | undefined;
  #digest: string | undefined;
  size = 0;

  constructor(touch?: (chunk: Buffer, at: number) => void) {
    super();
    this.#touch = touch;
  }

  get digest(): string {
    return (this.#digest ??= `sha256:${this.#hash.digest('hex')}`);
  }

  override _transform(
    chunk: Buffer,
    _encoding: BufferEncoding,
    done: (error: null, chunk: Buffer) => void,
  ): void {
    this.#touch?.(chunk, this.size);
    this.size += chunk.length;
    this.#hash.update(chunk);
    done(null, chunk);
  }
}

/** Where what was only looked at goes. */
const drain = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done() });

/** The stream with its compression taken off, whatever that is: told by the first bytes. */
async function unpacked(source: Readable): Promise<NodeJS.ReadableStream> {
  const first = await firstBytes(source);
  const magic = first.subarray(0, 4).toString('hex');
  const unpack = magic.startsWith('1f8b')
    ? createGunzip()
    : magic === '28b52ffd'
      ? createZstdDecompress()
      : undefined;
  if (!unpack) return source;
  source.on('error', (error) => unpack.destroy(error));
  return source.pipe(unpack);
}

async function firstBytes(source: Readable): Promise<Buffer> {
  let first = Buffer.alloc(0);
  for await (const chunk of source.iterator({ destroyOnReturn: false })) {
    first = Buffer.concat([first, chunk as Buffer]);
    if (first.length >= 4) break;
  }
  if (first.length > 0) source.unshift(first);
  return first;
}
