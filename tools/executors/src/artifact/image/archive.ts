import { open, type FileHandle } from 'node:fs/promises';
import { posix } from 'node:path';
import { Readable } from 'node:stream';
import { Header, Pax } from 'tar';

const BLOCK = 512;
/** Paths and link targets of an archive that holds images are short. */
const LONGEST_META = 1024 * 1024;

interface Entry {
  offset: number;
  size: number;
}

/** A tar file whose entries are read where they lie, in any order. */
export interface Archive {
  has(path: string): boolean;
  /** All of an entry. */
  read(path: string): Promise<Buffer>;
  stream(path: string): Readable;
  close(): Promise<void>;
}

/** Reads the headers of an uncompressed tar file, and nothing else of it. */
export async function openArchive(file: string): Promise<Archive> {
  const handle = await open(file);
  try {
    const entries = await scan(handle);
    const entry = (path: string): Entry => {
      const found = entries.get(posix.normalize(path));
      if (!found) throw new Error(`the archive of the image has no ${path}`);
      return found;
    };
    return {
      has: (path) => entries.has(posix.normalize(path)),
      read: async (path) => {
        const { offset, size } = entry(path);
        return readAt(handle, offset, size);
      },
      stream: (path) => {
        const { offset, size } = entry(path);
        return size === 0
          ? Readable.from([])
          : Readable.from(pieces(handle, offset, size), { objectMode: false });
      },
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function scan(handle: FileHandle): Promise<Map<string, Entry>> {
  const entries = new Map<string, Entry>();
  const links = new Map<string, string>();
  let extended: Pax | undefined;
  let longPath: string | undefined;
  let longLink: string | undefined;
  for (let offset = 0; ;) {
    const block = await readAt(handle, offset, BLOCK);
    const header = new Header(block, 0, extended);
    if (header.nullBlock) break;
    if (!header.cksumValid) throw new Error('the archive of the image is no tar file, or was cut off');
    const { type, size = 0 } = header;
    const content = { offset: offset + BLOCK, size };
    const meta = async (): Promise<string> => {
      if (size > LONGEST_META) throw new Error('the archive of the image has an unreadable header');
      return (await readAt(handle, content.offset, size)).toString('utf8');
    };
    const path = posix.normalize(longPath ?? header.path ?? '');
    if (type === 'ExtendedHeader') extended = Pax.parse(await meta());
    else if (type === 'NextFileHasLongPath' || type === 'OldGnuLongPath')
      longPath = (await meta()).replace(/\0.*$/s, '');
    else if (type === 'NextFileHasLongLinkpath') longLink = (await meta()).replace(/\0.*$/s, '');
    else {
      if (type === 'File' || type === 'OldFile' || type === 'ContiguousFile') entries.set(path, content);
      // Old engines write a layer once, and point to it from every other place.
      if (type === 'SymbolicLink')
        links.set(path, posix.join(posix.dirname(path), longLink ?? header.linkpath ?? ''));
      if (type === 'Link') links.set(path, posix.normalize(longLink ?? header.linkpath ?? ''));
      extended = undefined;
      longPath = longLink = undefined;
    }
    offset = content.offset + Math.ceil(size / BLOCK) * BLOCK;
  }
  for (const [path, to] of links) {
    const target = entries.get(to);
    if (target) entries.set(path, target);
  }
  return entries;
}

async function readAt(handle: FileHandle, offset: number, size: number): Promise<Buffer> {
  const buffer = Buffer.alloc(size);
  let have = 0;
  while (have < size) {
    const { bytesRead } = await handle.read(buffer, have, size - have, offset + have);
    if (bytesRead === 0) throw new Error('the archive of the image was cut off');
    have += bytesRead;
  }
  return buffer;
}

const CHUNK = 256 * 1024;
async function* pieces(handle: FileHandle, offset: number, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < size; at += CHUNK)
    yield await readAt(handle, offset + at, Math.min(CHUNK, size - at));
}
