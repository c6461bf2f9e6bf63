import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';

/** An answer with one of the specification's error codes. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: OutgoingHttpHeaders;
  constructor(status: number, code: string, message: string, headers: OutgoingHttpHeaders = {}) {
    super(message);
    [this.status, this.code, this.headers] = [status, code, headers];
  }
}

export const NAME = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*)*';
export const DIGEST = 'sha256:[0-9a-f]{64}';
export const TAG = '\\w[\\w.-]{0,127}';
export const UPLOAD = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';

export interface Document {
  mediaType?: string;
  artifactType?: string;
  annotations?: Record<string, string>;
  config?: { mediaType?: string; digest?: string };
  layers?: { mediaType?: string; digest?: string }[];
  manifests?: { digest?: string }[];
  subject?: { digest?: string };
}
export function json(bytes: Buffer): Document {
  try {
    const document = JSON.parse(bytes.toString('utf8')) as Document | null;
    if (typeof document === 'object' && document !== null) return document;
  } catch {
    // Told below.
  }
  throw new Refusal(400, 'MANIFEST_INVALID', 'a manifest is JSON');
}

/** Of the form that this registry knows. */
export const isDigest = (text: string | undefined): text is string =>
  new RegExp(`^${DIGEST}$`).test(text ?? '');
/** The address of an upload. */
export const at = (name: string, id: string): string => `/v2/${name}/blobs/uploads/${id}`;

export function accepted(response: ServerResponse, name: string, id: string, size: number): void {
  response
    .writeHead(202, {
      location: at(name, id),
      range: `0-${Math.max(0, size - 1)}`,
      'docker-upload-uuid': id,
      'content-length': 0,
    })
    .end();
}
export function created(response: ServerResponse, name: string, digest: string): void {
  response
    .writeHead(201, {
      location: `/v2/${name}/blobs/${digest}`,
      'docker-content-digest': digest,
      'content-length': 0,
    })
    .end();
}
export function send(
  response: ServerResponse,
  body: object,
  type: string,
  headers: OutgoingHttpHeaders = {},
): void {
  const text = JSON.stringify(body);
  response.writeHead(200, { 'content-type': type, 'content-length': Buffer.byteLength(text), ...headers });
  response.end(text);
}

export async function read(request: IncomingMessage, most: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > most) throw new Refusal(413, 'SIZE_INVALID', `a manifest has ${most} bytes at most`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** So many bytes, and then the connection is gone. */
export async function* cutAfter(request: IncomingMessage, bytes: number): AsyncGenerator<Buffer> {
  let left = bytes;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    yield chunk.subarray(0, left);
    left -= chunk.length;
    if (left > 0) continue;
    request.destroy();
    throw new Error('cut off');
  }
}

export function rangeOf(
  header: string | undefined,
  size: number,
): { start: number; end: number } | 'unsatisfiable' | undefined {
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(header ?? '') ?? [];
  if (from === undefined) return undefined;
  const [start, end] = [Number(from), to ? Math.min(Number(to), size - 1) : size - 1];
  return start < size && start <= end ? { start, end } : 'unsatisfiable';
}
