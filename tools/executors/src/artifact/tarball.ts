import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { Header, Pax } from 'tar';
import { errors } from '../foundation/index.ts';
import type { PackedFile } from './files.ts';

/** npm's own: the minute of a film. No file of a package has another time. */
const TIME = new Date('1985-10-26T08:15:00.000Z');
const BLOCK = 512;
const CHUNK = 256 * 1024;
/** Byte 9 of a gzip stream names the system that wrote it; 255 is "unknown". */
const GZIP_SYSTEM = 9;

export interface TarballFile extends PackedFile {
  /** Content that is not what the file on disk holds. */
  content?: Buffer;
}

export type OpenSink = (path: string) => Writable;

export interface WrittenTarball {
  size: number;
  integrity: string;
  shasum: string;
}

/**
 * Packs files of a folder into a gzipped tarball whose bytes depend on names and contents alone: fixed time, owner,
 * modes and order. Streams: memory does not grow with the files. The compression is zlib's: another version of it (or
 * another processor) may pack the same tar into other bytes, which is why an artifact is built once and then moved.
 */
export async function writeTarball(
  folder: string,
  files: readonly TarballFile[],
  path: string,
  openSink: OpenSink = (to) => createWriteStream(to, { flags: 'wx' }),
): Promise<WrittenTarball> {
  const sha512 = createHash('sha512');
  const sha1 = createHash('sha1');
  let size = 0;
  const measure = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      if (size <= GZIP_SYSTEM && size + chunk.length > GZIP_SYSTEM) chunk[GZIP_SYSTEM - size] = 255;
      size += chunk.length;
      sha512.update(chunk);
      sha1.update(chunk);
      done(null, chunk);
    },
  });
  await pipeline(tar(folder, files), createGzip({ level: 9 }), measure, openSink(path));
  return { size, integrity: `sha512-${sha512.digest('base64')}`, shasum: sha1.digest('hex') };
}

async function* tar(folder: string, files: readonly TarballFile[]): AsyncGenerator<Buffer> {
  for (const file of files) {
    yield* head(file);
    if (file.content) yield file.content;
    else yield* contents(join(folder, file.path), file.size);
    const over = file.size % BLOCK;
    if (over > 0) yield Buffer.alloc(BLOCK - over);
  }
  yield Buffer.alloc(2 * BLOCK);
}

function* head({ path, size, mode }: TarballFile): Generator<Buffer> {
  const fields = { path: `package/${path}`, size, mode, mtime: TIME, type: 'File' } as const;
  const header = new Header(fields);
  const block = Buffer.alloc(BLOCK);
  // True where the fields do not fit: a long or non-ASCII path, a huge file. The extended header before it has them whole.
  if (header.encode(block)) yield new Pax({ path: fields.path, size, mtime: TIME }).encode();
  yield block;
}

async function* contents(path: string, size: number): AsyncGenerator<Buffer> {
  const handle = await open(path);
  try {
    let left = size;
    while (left > 0) {
      const chunk = Buffer.allocUnsafe(Math.min(CHUNK, left));
      const { bytesRead } = await handle.read(chunk, 0, chunk.length);
      if (bytesRead === 0) break;
      left -= bytesRead;
      yield chunk.subarray(0, bytesRead);
    }
    // A tar header announces the size: a file that changed meanwhile would shift everything after it.
    if (left > 0 || (await handle.stat()).size !== size) throw errors.SOURCE_CHANGED({ file: path });
  } finally {
    await handle.close();
  }
}
