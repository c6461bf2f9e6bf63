import { createHash, randomUUID, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import {
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
  type FileHandle,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';

export interface StoredManifest {
  mediaType: string;
  bytes: Buffer;
}
const ABANDONED_MS = 24 * 60 * 60 * 1000;
type Entry = { digest: string } & Record<string, unknown>;

/**
 * Images in a folder:
 *
 *     blobs/<hex>                                    bytes of layers, configurations and manifests
 *     repositories/<name>/_blobs/<hex>               this repository has the blob
 *     repositories/<name>/_manifests/<hex>           media type of a manifest
 *     repositories/<name>/_tags/<tag>                digest
 *     repositories/<name>/_referrers/<hex>/<hex>     descriptor of what is attached to the first
 *     uploads/<id>                                   what came so far
 *
 * Whatever has its name is whole: everything is written beside its place, brought to the disk, and renamed. A name of a
 * repository never begins with "_", so the folders cannot meet.
 */
export class ImageStore {
  readonly #folder: string;
  /** Work on an upload, one after the other: who resumes waits until what was cut off has been written. */
  readonly #busy = new Map<string, Promise<unknown>>();
  readonly #hashes = new Map<string, { hash: Hash; size: number }>();

  constructor(folder: string) {
    this.#folder = folder;
  }
  /** Makes the folders, and removes uploads that nobody came back to. */
  async prepare(): Promise<void> {
    for (const name of ['blobs', 'uploads', 'repositories'])
      await mkdir(join(this.#folder, name), { recursive: true, mode: 0o700 });
    for (const id of await readdir(join(this.#folder, 'uploads'))) {
      const { mtimeMs } = await stat(this.#upload(id));
      if (Date.now() - mtimeMs > ABANDONED_MS) await rm(this.#upload(id), { force: true });
    }
  }

  blobFile(digest: string): string {
    return join(this.#folder, 'blobs', hexOf(digest));
  }
  /** Size of a blob that this repository has. */
  async blobSize(name: string, digest: string): Promise<number | undefined> {
    const there = await exists(this.#in(name, '_blobs', hexOf(digest)));
    return there ? (await stat(this.blobFile(digest)).catch(() => undefined))?.size : undefined;
  }
  async link(name: string, digest: string): Promise<void> {
    await write(this.#in(name, '_blobs', hexOf(digest)), '');
  }

  async begin(): Promise<string> {
    const id = randomUUID();
    await writeFile(this.#upload(id), '', { flag: 'wx', mode: 0o600 });
    this.#hashes.set(id, { hash: createHash('sha256'), size: 0 });
    return id;
  }
  /** Bytes that an upload has; undefined where there is no such upload. Waits for what is being written. */
  async uploaded(id: string): Promise<number | undefined> {
    return this.#after(id, async () => (await stat(this.#upload(id)).catch(() => undefined))?.size);
  }
  /** Appends what comes, and tells how much the upload has then; keeps what came before a failure. */
  async append(id: string, body: AsyncIterable<Buffer>): Promise<number> {
    return this.#after(id, async () => {
      const state = await this.#hashOf(id);
      const file = await open(this.#upload(id), 'a');
      try {
        for await (const chunk of body) {
          await writeAll(file, chunk);
          state.hash.update(chunk);
          state.size += chunk.length;
        }
      } finally {
        await file.close();
      }
      return state.size;
    });
  }
  /** Makes an upload a blob of the repository; false (and nothing left of it) where it has another digest. */
  async finish(id: string, name: string, digest: string): Promise<boolean> {
    return this.#after(id, async () => {
      const { hash } = await this.#hashOf(id);
      this.#hashes.delete(id);
      if (hash.digest('hex') !== hexOf(digest)) {
        await rm(this.#upload(id), { force: true });
        return false;
      }
      await toDisk(this.#upload(id));
      await rename(this.#upload(id), this.blobFile(digest));
      await this.link(name, digest);
      return true;
    });
  }
  async cancel(id: string): Promise<void> {
    await this.#after(id, async () => {
      this.#hashes.delete(id);
      await rm(this.#upload(id), { force: true });
    });
  }

  async manifest(
    name: string,
    reference: string,
  ): Promise<(StoredManifest & { digest: string }) | undefined> {
    const digest = reference.includes(':') ? reference : await text(this.#in(name, '_tags', reference));
    if (digest === undefined) return undefined;
    const mediaType = await text(this.#in(name, '_manifests', hexOf(digest)));
    if (mediaType === undefined) return undefined;
    const bytes = await readFile(this.blobFile(digest)).catch(() => undefined);
    return bytes && { digest, mediaType, bytes };
  }
  hasManifest(name: string, digest: string): Promise<boolean> {
    return exists(this.#in(name, '_manifests', hexOf(digest)));
  }
  /** The tag, where there is one, comes last. */
  async putManifest(
    name: string,
    digest: string,
    { mediaType, bytes }: StoredManifest,
    refers: { subject: string; entry: Entry } | undefined,
    tag: string | undefined,
  ): Promise<void> {
    if (!(await exists(this.blobFile(digest)))) await write(this.blobFile(digest), bytes);
    await write(this.#in(name, '_manifests', hexOf(digest)), mediaType);
    if (refers)
      await write(
        this.#in(name, '_referrers', hexOf(refers.subject), hexOf(digest)),
        JSON.stringify(refers.entry),
      );
    if (tag !== undefined) await write(this.#in(name, '_tags', tag), digest);
  }
  async referrers(name: string, digest: string): Promise<Entry[]> {
    const folder = this.#in(name, '_referrers', hexOf(digest));
    const found = await Promise.all((await names(folder)).map((file) => text(join(folder, file))));
    return found.flatMap((entry) => (entry === undefined ? [] : (JSON.parse(entry) as Entry)));
  }
  tags(name: string): Promise<string[]> {
    return names(this.#in(name, '_tags'));
  }
  has(name: string): Promise<boolean> {
    return exists(this.#in(name));
  }

  #in(name: string, ...rest: string[]): string {
    return join(this.#folder, 'repositories', ...name.split('/'), ...rest);
  }
  #upload(id: string): string {
    return join(this.#folder, 'uploads', id);
  }
  async #after<T>(id: string, work: () => Promise<T>): Promise<T> {
    const before = this.#busy.get(id) ?? Promise.resolve();
    const now = before.catch(() => {}).then(work);
    this.#busy.set(id, now);
    return now.finally(() => this.#busy.get(id) === now && this.#busy.delete(id));
  }
  /** The hash of what an upload has; read again where it was begun before this process. */
  async #hashOf(id: string): Promise<{ hash: Hash; size: number }> {
    const known = this.#hashes.get(id);
    if (known) return known;
    const state = { hash: createHash('sha256'), size: 0 };
    for await (const chunk of createReadStream(this.#upload(id)) as AsyncIterable<Buffer>) {
      state.hash.update(chunk);
      state.size += chunk.length;
    }
    this.#hashes.set(id, state);
    return state;
  }
}

/** Of a digest whose form was checked. */
const hexOf = (digest: string): string => digest.slice('sha256:'.length);

async function write(file: string, content: string | Buffer): Promise<void> {
  const fresh = `${file}.${randomUUID()}~`;
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(fresh, content, { mode: 0o600, flag: 'wx', flush: content.length > 0 });
  await rename(fresh, file);
}
async function writeAll(file: FileHandle, chunk: Buffer): Promise<void> {
  for (let done = 0; done < chunk.length;)
    done += (await file.write(chunk, done, chunk.length - done)).bytesWritten;
}
async function toDisk(file: string): Promise<void> {
  const handle = await open(file, 'r+');
  await handle.datasync().finally(() => handle.close());
}
const exists = (file: string): Promise<boolean> =>
  stat(file).then(
    () => true,
    () => false,
  );
const text = (file: string): Promise<string | undefined> => readFile(file, 'utf8').catch(() => undefined);
/** Names in a folder, sorted, without what is just being written. */
async function names(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(() => [])).filter((name) => !name.endsWith('~')).sort();
}
