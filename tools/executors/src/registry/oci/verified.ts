import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { SluiceError } from '../../foundation/index.ts';

/** What to do with a stream of bytes that should have a digest and a size. */
export interface Watch {
  /** Ended before its size: a connection that broke off, perhaps. */
  short: (got: number) => unknown;
  /** Other bytes, or more of them. */
  differs: (found: string) => SluiceError;
  /** So many bytes went on. */
  passed?: (bytes: number) => void;
}

/**
 * The same stream, hashed on its way: the last bytes are passed on only when all of them have the digest, so that
 * wrong bytes never become a whole upload. Opened again from an offset it goes on hashing where it had come to.
 */
export function verified(
  { digest, size }: { digest: string; size: number },
  open: (from: number) => Promise<Readable>,
  { short, differs, passed }: Watch,
): (from: number) => Promise<Readable> {
  const hash = createHash('sha256');
  let hashed = 0;

  async function* passOn(stream: Readable, start: number, from: number): AsyncGenerator<Buffer> {
    let position = start;
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      const before = position;
      position += chunk.length;
      if (position > size) throw differs(`more than its ${size} bytes`);
      if (position > hashed) {
        hash.update(chunk.subarray(Math.max(0, hashed - before)));
        hashed = position;
        if (hashed === size) check();
      }
      if (position <= from) continue;
      const part = chunk.subarray(Math.max(0, from - before));
      passed?.(part.length);
      yield part;
    }
    if (position < size) throw short(position);
  }
  function check(): void {
    // A copy, because a hash that was read takes no more; a further attempt may ask again.
    const found = `sha256:${hash.copy().digest('hex')}`;
    if (found !== digest) throw differs(found);
  }

  return async (from) => {
    if (size === 0) check();
    const start = Math.min(from, hashed);
    const stream = await open(start);
    const passed = Readable.from(passOn(stream, start, from), { objectMode: false });
    passed.once('close', () => stream.destroy());
    return passed;
  };
}

/** All of a stream as one buffer. For what is known to be small. */
export async function whole(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
