import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';

export class TooLarge extends Error {}

/** Files that people attach to an invoice, in a folder of their own. Names are ours: what a person sends never becomes a path. */
export class Attachments {
  readonly #folder: string;
  readonly #largest: number;

  /** @param largest bytes of the largest file that is taken */
  constructor(folder: string, largest = 10 * 1024 * 1024) {
    this.#folder = folder;
    this.#largest = largest;
  }

  /** Streams to the disk; a file is there whole or not at all. */
  async add(invoice: number, body: ReadableStream<Uint8Array>): Promise<string> {
    const folder = join(this.#folder, String(invoice));
    await mkdir(folder, { recursive: true });
    const name = randomUUID();
    const partial = join(folder, `.${name}`);
    try {
      await pipeline(Readable.fromWeb(body as never), this.#limit(), createWriteStream(partial));
      await rename(partial, join(folder, name));
    } catch (error) {
      await rm(partial, { force: true });
      throw error;
    }
    return name;
  }

  async list(invoice: number): Promise<string[]> {
    const names = await readdir(join(this.#folder, String(invoice))).catch(() => []);
    return names.filter((name) => !name.startsWith('.')).sort();
  }

  /** The file's bytes; undefined where there is none. */
  async open(invoice: number, name: string): Promise<ReadableStream<Uint8Array> | undefined> {
    if (!/^[0-9a-f-]{36}$/.test(name)) return undefined;
    const file = join(this.#folder, String(invoice), name);
    const found = await stat(file).catch(() => undefined);
    return found && (Readable.toWeb(createReadStream(file)) as never);
  }

  #limit(): Transform {
    let size = 0;
    const largest = this.#largest;
    return new Transform({
      transform(chunk: Buffer, _encoding, done) {
        size += chunk.length;
        done(size > largest ? new TooLarge() : null, chunk);
      },
    });
  }
}
