import { createReadStream } from 'node:fs';
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { Rights } from './rights.ts';
import type { ImageStore } from './store.ts';
import {
  accepted,
  at,
  created,
  cutAfter,
  DIGEST,
  isDigest,
  json,
  NAME,
  rangeOf,
  read,
  Refusal,
  send,
  TAG,
  UPLOAD,
  type Document,
} from './wire.ts';

/** What a test double does otherwise than it should. */
export interface Faults {
  /** False: no referrers API, as older registries. */
  referrers?: boolean;
  login?: 'bearer' | 'basic';
  /** Reading needs a login too. */
  privately?: boolean;
  /** After so many bytes the bodies of the next uploads are cut off, one entry each. */
  cutUploads?: number[];
  /** Redirects downloads of layers to this address, the digest behind it. */
  blobsAt?: string;
}
const INDEX = 'application/vnd.oci.image.index.v1+json';
const LARGEST_MANIFEST = 4 * 1024 * 1024;

interface Asked {
  request: IncomingMessage;
  response: ServerResponse;
  query: URLSearchParams;
  /** Name of the repository, and what follows: a digest, a tag, an upload. */
  name: string;
  of: string;
}
interface Route {
  path: string;
  methods: Record<string, (asked: Asked) => Promise<void>>;
}

/** Answers the requests of the distribution protocol. */
export function answers(
  store: ImageStore,
  rights: Rights | undefined,
  faults: Faults,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const routes: Route[] = [
    {
      path: `/v2/(${NAME})/manifests/(${DIGEST}|${TAG})`,
      methods: { GET: getManifest, HEAD: getManifest, PUT: putManifest },
    },
    { path: `/v2/(${NAME})/blobs/(${DIGEST})`, methods: { GET: getBlob, HEAD: getBlob } },
    { path: `/v2/(${NAME})/blobs/uploads/?()`, methods: { POST: begin } },
    {
      path: `/v2/(${NAME})/blobs/uploads/(${UPLOAD})`,
      methods: { GET: progress, PATCH: append, PUT: finish, DELETE: cancel },
    },
    { path: `/v2/(${NAME})/tags/list()`, methods: { GET: tags } },
    { path: `/v2/(${NAME})/referrers/(${DIGEST})`, methods: { GET: referrers } },
  ];

  async function getManifest({ request, response, name, of }: Asked): Promise<void> {
    const found = await store.manifest(name, of);
    if (!found) throw new Refusal(404, 'MANIFEST_UNKNOWN', `${name} has no ${of}`);
    response.writeHead(200, {
      'content-type': found.mediaType,
      'content-length': found.bytes.length,
      'docker-content-digest': found.digest,
    });
    response.end(request.method === 'HEAD' ? undefined : found.bytes);
  }

  async function putManifest({ request, response, name, of }: Asked): Promise<void> {
    const bytes = await read(request, LARGEST_MANIFEST);
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    const isTag = !of.includes(':');
    if (!isTag && of !== digest) throw new Refusal(400, 'DIGEST_INVALID', `these bytes are ${digest}`);
    const document = json(bytes);
    const mediaType = request.headers['content-type'] ?? document.mediaType ?? '';
    await assertComplete(name, document);
    const subject = document.subject?.digest;
    if (subject !== undefined && !isDigest(subject))
      throw new Refusal(400, 'MANIFEST_INVALID', 'its subject has no sha256 digest');
    const entry = {
      mediaType,
      digest,
      size: bytes.length,
      artifactType: document.artifactType ?? document.config?.mediaType,
      annotations: document.annotations,
    };
    await store.putManifest(
      name,
      digest,
      { mediaType, bytes },
      subject === undefined ? undefined : { subject, entry },
      isTag ? of : undefined,
    );
    response.writeHead(201, {
      location: `/v2/${name}/manifests/${digest}`,
      'docker-content-digest': digest,
      ...(subject !== undefined && faults.referrers !== false ? { 'oci-subject': subject } : {}),
    });
    response.end();
  }

  /** What a manifest names is there before it; layers that lie elsewhere by their license need not be. */
  async function assertComplete(name: string, document: Document): Promise<void> {
    const blobs = [document.config, ...(document.layers ?? [])].filter(
      (each) => each !== undefined && !/foreign|nondistributable/.test(each.mediaType ?? ''),
    );
    for (const each of [...blobs, ...(document.manifests ?? [])])
      if (!isDigest(each?.digest))
        throw new Refusal(400, 'MANIFEST_INVALID', 'it names something without a digest');
    for (const each of blobs)
      if ((await store.blobSize(name, each!.digest!)) === undefined)
        throw new Refusal(400, 'MANIFEST_BLOB_UNKNOWN', `${name} has no ${each!.digest}`);
    for (const { digest } of document.manifests ?? [])
      if (!(await store.hasManifest(name, digest!)))
        throw new Refusal(400, 'MANIFEST_UNKNOWN', `${name} has no ${digest}`);
  }

  async function getBlob({ request, response, name, of }: Asked): Promise<void> {
    const size = await store.blobSize(name, of);
    if (size === undefined) throw new Refusal(404, 'BLOB_UNKNOWN', `${name} has no ${of}`);
    if (faults.blobsAt !== undefined && request.method === 'GET')
      return void response.writeHead(307, { location: `${faults.blobsAt}${of}` }).end();
    const headers = {
      'content-type': 'application/octet-stream',
      'docker-content-digest': of,
      'accept-ranges': 'bytes',
    };
    const range = rangeOf(request.headers.range, size);
    if (range === 'unsatisfiable')
      throw new Refusal(416, 'RANGE_INVALID', `it has ${size} bytes`, { 'content-range': `bytes */${size}` });
    const { start, end } = range ?? { start: 0, end: size - 1 };
    response.writeHead(range ? 206 : 200, {
      ...headers,
      'content-length': end - start + 1,
      ...(range ? { 'content-range': `bytes ${start}-${end}/${size}` } : {}),
    });
    if (request.method === 'HEAD' || size === 0) return void response.end();
    await pipeline(createReadStream(store.blobFile(of), { start, end, highWaterMark: 256 * 1024 }), response);
  }

  async function begin(asked: Asked): Promise<void> {
    const { request, response, query, name } = asked;
    const [mount, from, digest] = ['mount', 'from', 'digest'].map((key) => query.get(key) ?? undefined);
    if (isDigest(mount) && from !== undefined && new RegExp(`^${NAME}$`).test(from)) {
      const readable = rights?.challenge(request, from, false) === undefined;
      if (readable && (await store.blobSize(from, mount)) !== undefined) {
        await store.link(name, mount);
        return created(response, name, mount);
      }
    }
    const id = await store.begin();
    if (digest !== undefined) return finish({ ...asked, of: id });
    accepted(response, name, id, 0);
  }

  async function progress({ response, name, of }: Asked): Promise<void> {
    const size = await existing(of);
    response.writeHead(204, { location: at(name, of), range: `0-${Math.max(0, size - 1)}` }).end();
  }
  async function append({ request, response, name, of }: Asked): Promise<void> {
    await take(request, name, of);
    accepted(response, name, of, (await store.uploaded(of)) ?? 0);
  }
  async function finish({ request, response, query, name, of }: Asked): Promise<void> {
    const digest = query.get('digest') ?? undefined;
    if (!isDigest(digest)) throw new Refusal(400, 'DIGEST_INVALID', 'an upload ends with its sha256 digest');
    await take(request, name, of);
    if (!(await store.finish(of, name, digest)))
      throw new Refusal(400, 'DIGEST_INVALID', `these bytes are not ${digest}`);
    created(response, name, digest);
  }
  async function cancel({ response, of }: Asked): Promise<void> {
    await existing(of);
    await store.cancel(of);
    response.writeHead(204).end();
  }

  async function existing(id: string): Promise<number> {
    const size = await store.uploaded(id);
    if (size === undefined) throw new Refusal(404, 'BLOB_UPLOAD_UNKNOWN', 'there is no such upload');
    return size;
  }
  async function take(request: IncomingMessage, name: string, id: string): Promise<void> {
    const size = await existing(id);
    const [, start] = /^(?:bytes )?(\d+)-\d+/.exec(String(request.headers['content-range'] ?? '')) ?? [];
    if (start !== undefined && Number(start) !== size)
      throw new Refusal(416, 'RANGE_INVALID', `it has ${size} bytes`, {
        location: at(name, id),
        range: `0-${Math.max(0, size - 1)}`,
      });
    const cut = request.headers['content-length'] === '0' ? undefined : faults.cutUploads?.shift();
    await store.append(id, cut === undefined ? (request as AsyncIterable<Buffer>) : cutAfter(request, cut));
  }

  async function tags({ response, query, name }: Asked): Promise<void> {
    if (!(await store.has(name))) throw new Refusal(404, 'NAME_UNKNOWN', `there is no ${name}`);
    const last = query.get('last') ?? '';
    const all = (await store.tags(name)).filter((tag) => tag > last);
    const page = all.slice(0, Number(query.get('n') ?? 1000));
    const next = new URLSearchParams({ n: String(page.length), last: page.at(-1) ?? '' });
    const more = page.length > 0 && page.length < all.length;
    send(
      response,
      { name, tags: page },
      'application/json',
      more ? { link: `</v2/${name}/tags/list?${next}>; rel="next"` } : {},
    );
  }
  async function referrers({ response, query, name, of }: Asked): Promise<void> {
    if (faults.referrers === false) throw new Refusal(404, 'UNSUPPORTED', 'there is no such way here');
    const type = query.get('artifactType');
    const all = await store.referrers(name, of);
    const manifests = all.filter((entry) => type === null || entry['artifactType'] === type);
    const filtered = type === null ? {} : { 'oci-filters-applied': 'artifactType' };
    send(response, { schemaVersion: 2, mediaType: INDEX, manifests }, INDEX, filtered);
  }

  return async (request, response) => {
    const method = request.method ?? 'GET';
    const { pathname, searchParams: query } = new URL(request.url ?? '/', 'http://registry');
    // The one character of an address here that some clients encode.
    const path = pathname.replace(/%3a/gi, ':');
    if (path === '/token' && rights) {
      const token = rights.token(request, query);
      if (!token) throw new Refusal(401, 'UNAUTHORIZED', 'these are not the credentials');
      return send(response, token, 'application/json');
    }
    if (path === '/v2/' || path === '/v2') {
      assertMay(request, '', false);
      return send(response, {}, 'application/json', { 'docker-distribution-api-version': 'registry/2.0' });
    }
    for (const route of routes) {
      const [, name, of = ''] = new RegExp(`^${route.path}$`).exec(path) ?? [];
      if (name === undefined) continue;
      const answer = route.methods[method];
      if (!answer) throw new Refusal(405, 'UNSUPPORTED', `there is no ${method} here`);
      const uploading = path.includes('/blobs/uploads/');
      assertMay(request, name, uploading || (method !== 'GET' && method !== 'HEAD'));
      return answer({ request, response, query, name, of });
    }
    throw new Refusal(404, 'NAME_INVALID', 'this is no address of an image registry');
  };

  function assertMay(request: IncomingMessage, name: string, write: boolean): void {
    const challenge = rights?.challenge(request, name, write);
    if (challenge !== undefined)
      throw new Refusal(401, 'UNAUTHORIZED', 'a login is needed', { 'www-authenticate': challenge });
  }
}
