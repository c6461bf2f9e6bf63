import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { ArtifactBytes } from '../artifact/types.ts';
import { errors } from '../foundation/index.ts';

export { assertManifest, readPackageManifest } from './package-manifest.ts';

/** Above this many bytes an artifact goes to a temporary file instead of memory. */
export const MEMORY_LIMIT = 8 * 1024 * 1024;

export interface CollectOptions {
  memoryLimit?: number;
  /** Where temporary files go; the system's folder by default. */
  tempFolder?: string;
  /** What the sender announced, where it did; spares growing a buffer that ends in a file anyway. */
  expected?: number;
}

/** Bytes that are in memory already. */
export function bytesFromBuffer(buffer: Buffer): ArtifactBytes {
  const hashes = new Hashes();
  hashes.update(buffer);
  return inMemory(buffer, hashes);
}

/** Bytes of a file, hashed once by streaming. The file stays: `dispose` does nothing. */
export async function bytesFromFile(path: string): Promise<ArtifactBytes> {
  const hashes = new Hashes();
  for await (const chunk of createReadStream(path)) hashes.update(chunk as Buffer);
  return { ...hashes.result(), stream: () => createReadStream(path), dispose: async () => {} };
}

/** Takes in a stream, hashing as it arrives: small ones stay in memory, large ones end in a temporary file. */
export async function collectBytes(
  source: AsyncIterable<Buffer | Uint8Array>,
  options: CollectOptions = {},
): Promise<ArtifactBytes> {
  const limit = options.memoryLimit ?? MEMORY_LIMIT;
  const hashes = new Hashes();
  const chunks: Buffer[] = [];
  let spill: Spill | undefined;
  try {
    if ((options.expected ?? 0) > limit) spill = await openSpill(options.tempFolder);
    for await (const part of source) {
      const chunk = Buffer.isBuffer(part) ? part : Buffer.from(part);
      hashes.update(chunk);
      if (spill === undefined && hashes.size > limit) {
        spill = await openSpill(options.tempFolder);
        for (const kept of chunks.splice(0)) await spill.handle.writeFile(kept);
      }
      if (spill) await spill.handle.writeFile(chunk);
      else chunks.push(chunk);
    }
    await spill?.handle.close();
  } catch (error) {
    await spill?.remove();
    throw diskError(error, options.tempFolder ?? tmpdir());
  }
  if (spill === undefined) return inMemory(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks), hashes);
  const { path, remove } = spill;
  return { ...hashes.result(), stream: () => createReadStream(path), dispose: remove };
}

/** ENOSPC and its kin by the catalogue's name; everything else as it is. */
export function diskError(error: unknown, folder: string): unknown {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return code === 'ENOSPC' || code === 'EDQUOT' ? errors.DISK_FULL({ folder }, { cause: error }) : error;
}

function inMemory(buffer: Buffer, hashes: Hashes): ArtifactBytes {
  const bytes: ArtifactBytes = {
    ...hashes.result(),
    buffer,
    stream: () => {
      if (bytes.buffer === undefined) throw new Error('these bytes were disposed of');
      return Readable.from([bytes.buffer]);
    },
    dispose: async () => {
      delete bytes.buffer;
    },
  };
  return bytes;
}

interface Spill {
  path: string;
  handle: FileHandle;
  remove(): Promise<void>;
}
async function openSpill(tempFolder = tmpdir()): Promise<Spill> {
  const folder = await mkdtemp(join(tempFolder, 'sluice-artifact-'));
  const path = join(folder, 'package.tgz');
  const handle = await open(path, 'wx', 0o600);
  return {
    path,
    handle,
    remove: async () => {
      await handle.close().catch(() => {});
      await rm(folder, { recursive: true, force: true });
    },
  };
}

class Hashes {
  size = 0;
  readonly #sha512: Hash = createHash('sha512');
  readonly #sha1: Hash = createHash('sha1');
  update(chunk: Buffer): void {
    this.size += chunk.length;
    this.#sha512.update(chunk);
    this.#sha1.update(chunk);
  }
  result(): Pick<ArtifactBytes, 'size' | 'integrity' | 'shasum'> {
    return {
      size: this.size,
      integrity: `sha512-${this.#sha512.digest('base64')}`,
      shasum: this.#sha1.digest('hex'),
    };
  }
}
