import { Readable } from 'node:stream';
import { errors } from '../../foundation/index.ts';
import { invalid } from './answers.ts';
import { header, nextPage, parsed } from './answer-parts.ts';
import { cut, openHttp, type Call, type Http, type Response } from './http.ts';
import { isDigest, isRepositoryName, isTag, MANIFEST_TYPES, sha256 } from './names.ts';
import { openReferrers } from './referrers.ts';
import type { Descriptor, Manifest, OciOptions, OciRepository } from './types.ts';
import { openUploads } from './uploads.ts';

/** One registry, with connections that its repositories share. */
export interface Oci {
  readonly host: string;
  /** @param name for instance `acme/api` */
  repository(name: string): OciRepository;
  /** Ends the kept-alive connections. */
  close(): Promise<void>;
}

/**
 * A registry that speaks the OCI distribution protocol 1.1.
 * @throws IMAGE_REGISTRY_INSECURE for plain HTTP to another machine than this
 */
export function openOci(options: OciOptions, env?: Readonly<Record<string, string | undefined>>): Oci {
  const http = openHttp(options, env);
  const referrersApi = { known: undefined as boolean | undefined };
  return {
    host: options.host,
    repository: (name) => repository(http, name, referrersApi),
    close: () => http.close(),
  };
}

function repository(http: Http, name: string, referrersApi: { known: boolean | undefined }): OciRepository {
  const { host } = http;
  if (!isRepositoryName(name))
    throw invalid(
      http.asked({ operation: 'read', repository: name }),
      `"${name}" is no name of a repository (lower case, digits, and . _ - / between them)`,
    );
  const at = (kind: 'manifests' | 'blobs', reference: string): string => {
    // It comes from manifests, and becomes a part of an address.
    if (!isDigest(reference) && (kind === 'blobs' || !isTag(reference)))
      throw invalid(
        http.asked({ operation: 'read', repository: name }),
        `"${reference}" is ${kind === 'blobs' ? 'no sha256 digest' : 'neither a tag nor a sha256 digest'}`,
      );
    return `/v2/${name}/${kind}/${reference}`;
  };
  const reading = [{ repository: name, write: false }];
  const writing = [{ repository: name, write: true }];
  const uploads = openUploads(http, name);

  function manifestCall(method: 'GET' | 'HEAD', reference: string, signal?: AbortSignal): Call {
    return {
      operation: 'read',
      method,
      url: at('manifests', reference),
      repository: name,
      reference,
      scopes: reading,
      headers: { accept: MANIFEST_TYPES.join(', ') },
      expected: [404],
      signal,
    };
  }

  async function manifest(reference: string, signal?: AbortSignal): Promise<Manifest | undefined> {
    const call = manifestCall('GET', reference, signal);
    const response = await http.send(call);
    if (response.status === 404) return void (await response.body.dump());
    const bytes = await http.bytes(call, response);
    const digest = sha256(bytes);
    const document = parsed(bytes) as { schemaVersion?: unknown } | undefined | null;
    if (!isDigest(reference) && document?.schemaVersion === undefined)
      throw invalid(http.asked(call), 'something else than a manifest');
    const expected = isDigest(reference) ? reference : header(response, 'docker-content-digest');
    if (expected !== undefined && expected !== digest)
      throw errors.IMAGE_BYTES_DIFFER({
        registry: host,
        repository: name,
        reference,
        expected,
        found: digest,
      });
    return { digest, mediaType: mediaTypeOf(bytes) ?? header(response, 'content-type') ?? '', bytes };
  }

  async function head(reference: string, signal?: AbortSignal): Promise<Descriptor | undefined> {
    const response = await http.send(manifestCall('HEAD', reference, signal));
    await response.body.dump();
    if (response.status === 404) return undefined;
    const digest = header(response, 'docker-content-digest');
    const size = Number(header(response, 'content-length') ?? Number.NaN);
    // A registry need not say the digest (or, through a proxy, the size): then the bytes do.
    if (digest === undefined || !isDigest(digest) || Number.isNaN(size)) {
      const whole = await manifest(reference, signal);
      return whole && { digest: whole.digest, mediaType: whole.mediaType, size: whole.bytes.length };
    }
    return { digest, mediaType: header(response, 'content-type') ?? '', size };
  }

  async function putManifest(whole: Manifest, reference: string, signal?: AbortSignal): Promise<void> {
    assertDigest(whole, host, name);
    const response = await http.send({
      operation: 'writeManifest',
      method: 'PUT',
      url: at('manifests', reference),
      repository: name,
      reference,
      scopes: writing,
      headers: { 'content-type': whole.mediaType },
      body: whole.bytes,
      signal,
    });
    await response.body.dump();
    const digest = header(response, 'docker-content-digest');
    if (digest !== undefined && digest !== whole.digest)
      throw errors.IMAGE_BYTES_DIFFER({
        registry: host,
        repository: name,
        reference,
        expected: whole.digest,
        found: digest,
      });
    if (header(response, 'oci-subject') === undefined) await referrers.announce(whole, signal);
  }

  async function hasBlob(digest: string, signal?: AbortSignal): Promise<boolean> {
    const response = await http.send({
      operation: 'readBlob',
      method: 'HEAD',
      url: at('blobs', digest),
      repository: name,
      reference: digest,
      scopes: reading,
      expected: [404],
      signal,
    });
    await response.body.dump();
    return response.status !== 404;
  }

  async function blob(
    digest: string,
    { from = 0, signal }: { from?: number; signal?: AbortSignal } = {},
  ): Promise<Readable> {
    const call: Call = {
      operation: 'readBlob',
      method: 'GET',
      url: at('blobs', digest),
      repository: name,
      reference: digest,
      scopes: reading,
      headers: from > 0 ? { range: `bytes=${from}-` } : {},
      signal,
    };
    const response = await http.send(call);
    // Who does not know ranges sends everything.
    const skip = from > 0 && response.status !== 206 ? from : 0;
    const length = Number(header(response, 'content-length') ?? Number.NaN);
    return Readable.from(bodyOf(http, call, response, skip, Number.isNaN(length) ? undefined : length), {
      objectMode: false,
      highWaterMark: 1024 * 1024,
    });
  }

  async function tags(signal?: AbortSignal): Promise<string[]> {
    const found: string[] = [];
    let url: string | undefined = `/v2/${name}/tags/list?n=1000`;
    while (url !== undefined) {
      const call: Call = {
        operation: 'read',
        method: 'GET',
        url,
        repository: name,
        scopes: reading,
        expected: [404],
        signal,
      };
      const response: Response = await http.send(call);
      const bytes = await http.bytes(call, response);
      if (response.status === 404) return [];
      const page = (parsed(bytes) as { tags?: unknown } | undefined)?.tags;
      if (page !== null && page !== undefined && !Array.isArray(page))
        throw invalid(http.asked(call), 'a list of tags without tags');
      found.push(...((page ?? []) as string[]));
      url = nextPage(response);
    }
    return found;
  }

  const self = { host, name, manifest, head, putManifest, hasBlob, blob, tags };
  const referrers = openReferrers(http, self, referrersApi);
  return {
    ...self,
    mount: uploads.mount,
    upload: uploads.upload,
    referrers: referrers.list,
  };
}

async function* bodyOf(
  http: Http,
  call: Call,
  response: Response,
  skip: number,
  length: number | undefined,
): AsyncGenerator<Buffer> {
  let got = 0;
  try {
    for await (const chunk of response.body as AsyncIterable<Buffer>) {
      const before = got;
      got += chunk.length;
      if (got <= skip) continue;
      yield before < skip ? chunk.subarray(skip - before) : chunk;
    }
  } catch (error) {
    throw cut(http.asked(call), got, error, call.signal, length);
  }
}

/** Manifests carry their digest with them: what does not have it is not sent. */
function assertDigest({ digest, bytes }: Manifest, registry: string, repository: string): void {
  const found = sha256(bytes);
  if (found !== digest)
    throw errors.IMAGE_BYTES_DIFFER({ registry, repository, reference: digest, expected: digest, found });
}

function mediaTypeOf(bytes: Buffer): string | undefined {
  const { mediaType } = (parsed(bytes) ?? {}) as { mediaType?: unknown };
  return typeof mediaType === 'string' ? mediaType : undefined;
}
