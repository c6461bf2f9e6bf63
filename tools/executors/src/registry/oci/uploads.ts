import type { Readable } from 'node:stream';
import { asSluiceError, errors, SluiceError } from '../../foundation/index.ts';
import { header } from './answer-parts.ts';
import { invalid } from './answers.ts';
import type { Call, Http, Response } from './http.ts';
import type { Scope } from './login.ts';

type Blob = { digest: string; size: number };
type Open = (from: number) => Promise<Readable>;
interface Session {
  /** Address of the upload. */
  at: string;
  /** Bytes that the registry has. */
  from: number;
  /** Whether it was cut off before. */
  resumed: boolean;
}

export interface Uploads {
  mount(digest: string, from: string, signal?: AbortSignal): Promise<boolean>;
  upload(blob: Blob, open: Open, signal?: AbortSignal): Promise<void>;
}

/** Small enough for any proxy, large enough to be few; this much of it is in memory. */
const CHUNK = 8 * 1024 * 1024;
/** Broken connections in a row that brought nothing forward. */
const STALLS = 3;
/** What a further attempt within the same upload can get over. */
const CUTS = ['IMAGE_REGISTRY_UNREACHABLE', 'IMAGE_UPLOAD_CUT', 'IMAGE_DOWNLOAD_CUT'];

/** Uploads into one repository: in one piece where that goes, in chunks where it does not, from where it was cut. */
export function openUploads(http: Http, name: string): Uploads {
  /** Uploads that a registry began when it would not mount. */
  const begun = new Map<string, string>();
  const writing: Scope = { repository: name, write: true };

  const call = (
    part: Pick<Call, 'method' | 'url'> & Partial<Call>,
    digest: string,
    signal: AbortSignal | undefined,
  ): Call => ({
    operation: 'upload',
    repository: name,
    reference: digest,
    scopes: [writing],
    ...part,
    signal,
  });

  /** Sends what has no answer of interest but its headers. */
  async function send(request: Call): Promise<Response> {
    const response = await http.send(request);
    await response.body.dump();
    return response;
  }

  function locationOf(response: Response, request: Call): string {
    const location = header(response, 'location');
    if (location === undefined) throw invalid(http.asked(request), 'an upload without an address');
    return new URL(location, response.url).href;
  }

  async function mount(digest: string, from: string, signal?: AbortSignal): Promise<boolean> {
    const query = new URLSearchParams({ mount: digest, from });
    const request = call(
      { operation: 'startUpload', method: 'POST', url: `/v2/${name}/blobs/uploads/?${query}` },
      digest,
      signal,
    );
    request.scopes = [writing, { repository: from, write: false }];
    try {
      const response = await send(request);
      if (response.status === 201) return true;
      if (header(response, 'location') !== undefined) begun.set(digest, locationOf(response, request));
      return false;
    } catch (error) {
      // Not to be read from there with these credentials, or no mounting at all: an upload says what is really wrong.
      if (error instanceof SluiceError && !error.transient) return false;
      throw error;
    }
  }

  async function begin(digest: string, signal?: AbortSignal): Promise<string> {
    const there = begun.get(digest);
    begun.delete(digest);
    if (there !== undefined) return there;
    const request = call(
      { operation: 'startUpload', method: 'POST', url: `/v2/${name}/blobs/uploads/` },
      digest,
      signal,
    );
    return locationOf(await send(request), request);
  }

  /** All that is missing as the body of the request that also ends the upload. */
  async function rest(
    { at, from, resumed }: Session,
    blob: Blob,
    open: Open,
    signal?: AbortSignal,
  ): Promise<void> {
    const headers: Record<string, string> = {
      'content-type': 'application/octet-stream',
      'content-length': String(blob.size - from),
    };
    // What was cut off may still arrive there after we asked how far it had come: then this is refused.
    if (resumed && from < blob.size) headers['content-range'] = `${from}-${blob.size - 1}`;
    const body = blob.size === from ? Buffer.alloc(0) : (): Promise<Readable> => open(from);
    await send(call({ method: 'PUT', url: withDigest(at, blob.digest), headers, body }, blob.digest, signal));
  }

  /** One request a chunk, each of them confirmed; then the request that ends the upload. */
  async function chunks(session: Session, blob: Blob, open: Open, signal?: AbortSignal): Promise<void> {
    for await (const body of inChunks(await open(session.from), CHUNK)) {
      const end = session.from + body.length;
      const headers = {
        'content-type': 'application/octet-stream',
        'content-range': `${session.from}-${end - 1}`,
      };
      const request = call({ method: 'PATCH', url: session.at, headers, body }, blob.digest, signal);
      const response = await send(request);
      session.at = locationOf(response, request);
      const has = rangeEnd(response) ?? end;
      if (has !== end) throw cutAt(blob, has, `the registry has ${has} bytes where it was sent ${end}`);
      session.from = end;
    }
    await rest(session, blob, open, signal);
  }

  /** Where an upload has come to; undefined where the registry knows it no more. */
  async function progress(at: string, blob: Blob, signal?: AbortSignal): Promise<Session | undefined> {
    try {
      const request = call({ method: 'GET', url: at }, blob.digest, signal);
      const response = await send(request);
      const location = header(response, 'location');
      const from = rangeEnd(response) ?? 0;
      if (from > blob.size) return undefined;
      return { at: location === undefined ? at : new URL(location, response.url).href, from, resumed: true };
    } catch (error) {
      if (error instanceof SluiceError && !error.transient) return undefined;
      if (error instanceof SluiceError && error.code === 'IMAGE_UPLOAD_CUT') return undefined;
      throw error;
    }
  }

  async function isThere(digest: string, signal?: AbortSignal): Promise<boolean> {
    const request = call({ method: 'HEAD', url: `/v2/${name}/blobs/${digest}` }, digest, signal);
    return (await send({ ...request, operation: 'readBlob', expected: [404] })).status !== 404;
  }

  async function upload(blob: Blob, open: Open, signal?: AbortSignal): Promise<void> {
    const anew = async (): Promise<Session> => ({
      at: await begin(blob.digest, signal),
      from: 0,
      resumed: false,
    });
    let session = await anew();
    let inOnePiece = true;
    for (let stalls = 0; ;) {
      try {
        if (inOnePiece) await rest(session, blob, open, signal);
        else await chunks(session, blob, open, signal);
        return;
      } catch (cause) {
        const error = asSluiceError(cause);
        if (signal?.aborted) throw signal.reason;
        const tooLarge = error.code === 'IMAGE_TOO_LARGE' && inOnePiece && blob.size > CHUNK;
        // A registry that does not look at offsets may have put the pieces together wrongly.
        const mixed = error.code === 'IMAGE_BYTES_DIFFER' && session.resumed;
        if (!tooLarge && !mixed && !(CUTS.includes(error.code) && error.transient)) throw cause;
        const now = mixed ? undefined : await progress(session.at, blob, signal);
        // The answer to the last request may have been all that was lost.
        if (now === undefined && (await isThere(blob.digest, signal))) return;
        stalls = now !== undefined && now.from > session.from ? 0 : stalls + 1;
        if (stalls >= STALLS) {
          if (error.code !== 'IMAGE_UPLOAD_CUT' && !error.code.endsWith('UNREACHABLE')) throw cause;
          throw cutAt(blob, now?.from ?? 0, error.message, error);
        }
        // Proxies that refuse large bodies often just hang up.
        if (tooLarge || (stalls > 1 && blob.size > CHUNK)) inOnePiece = false;
        session = now ?? (await anew());
      }
    }
  }

  function cutAt({ digest, size }: Blob, got: number, why: string, cause?: unknown): SluiceError {
    return errors.IMAGE_UPLOAD_CUT(
      { registry: http.host, repository: name, digest, got, size, why },
      { transient: true, cause },
    );
  }

  return { mount, upload };
}

/** A stream as buffers of `size` bytes, the last one shorter. */
async function* inChunks(stream: Readable, size: number): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  let length = 0;
  for await (let part of stream as AsyncIterable<Buffer>) {
    while (length + part.length >= size) {
      const rest = size - length;
      yield Buffer.concat([...parts, part.subarray(0, rest)]);
      part = part.subarray(rest);
      parts = [];
      length = 0;
    }
    if (part.length > 0) parts.push(part);
    length += part.length;
  }
  if (length > 0) yield Buffer.concat(parts);
}

/** Bytes that the registry has by its `Range: 0-<last>`; undefined where it does not say. */
function rangeEnd(response: Response): number | undefined {
  const [, last] = /^(?:bytes=)?0-(\d+)$/.exec(header(response, 'range')?.trim() ?? '') ?? [];
  if (last === undefined) return undefined;
  // An upload without a byte is "0-0" too, by custom; one byte is resent, which does no harm.
  return Number(last) === 0 ? 0 : Number(last) + 1;
}

function withDigest(location: string, digest: string): string {
  return `${location}${location.includes('?') ? '&' : '?'}digest=${encodeURIComponent(digest)}`;
}
