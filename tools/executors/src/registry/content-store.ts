import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { access, mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { ArtifactBytes } from '../artifact/types.ts';
import { errors } from '../foundation/index.ts';
import { bytesFromFile, diskError } from './bytes.ts';

/** Artifacts by their content, for stages that do not serve the bytes that they were given. */
export interface ContentStore {
  has(integrity: string): Promise<boolean>;
  /** Keeps these bytes; a second writer of the same content changes nothing. */
  put(bytes: ArtifactBytes): Promise<void>;
  /** The bytes, hashed while read; throws CONTENT_DAMAGED where they are no longer what they were. */
  get(integrity: string): Promise<ArtifactBytes | undefined>;
}

/** A content store in a folder, made when first written to. A network file system will do. */
export function openContentStore(folder: string): ContentStore {
  const pathOf = (integrity: string): string => {
    const hash = /^sha512-([A-Za-z0-9+/]{86}==)$/.exec(integrity)?.[1];
    if (hash === undefined) throw new TypeError(`not a sha512 integrity: ${integrity}`);
    const hex = Buffer.from(hash, 'base64').toString('hex');
    return join(folder, 'sha512', hex.slice(0, 2), `${hex.slice(2)}.tgz`);
  };
  const has = async (integrity: string): Promise<boolean> => {
    const path = pathOf(integrity);
    return access(path).then(
      () => true,
      () => false,
    );
  };

  return {
    has,
    put: async (bytes) => {
      const path = pathOf(bytes.integrity);
      if (await has(bytes.integrity)) return;
      const half = join(dirname(path), `.${randomUUID()}.tmp`);
      try {
        await mkdir(dirname(path), { recursive: true });
        await pipeline(bytes.stream(), createWriteStream(half, { flags: 'wx', flush: true }));
        const written = await bytesFromFile(half);
        if (written.integrity !== bytes.integrity) {
          throw errors.CONTENT_DAMAGED({ path: half, expected: bytes.integrity, found: written.integrity });
        }
        await rename(half, path);
      } catch (error) {
        await rm(half, { force: true });
        throw diskError(error, folder);
      }
    },
    get: async (integrity) => {
      const path = pathOf(integrity);
      if (!(await has(integrity))) return undefined;
      const bytes = await bytesFromFile(path);
      if (bytes.integrity !== integrity) {
        throw errors.CONTENT_DAMAGED({ path, expected: integrity, found: bytes.integrity });
      }
      return { ...bytes, stream: () => createReadStream(path) };
    },
  };
}
