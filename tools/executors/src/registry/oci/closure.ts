import { errors } from '../../foundation/index.ts';
import { parsed } from './answer-parts.ts';
import { isDigest } from './names.ts';
import { forEachOf } from './pool.ts';
import type { Descriptor, ImageSource, Manifest } from './types.ts';

/** All that belongs to an image: what it names, and what is attached to any of that. */
export interface Closure {
  root: Manifest;
  /** Every other manifest, each behind what it names: putting them in this order never leaves a reference open. */
  others: Manifest[];
  /** Digest of an attached manifest -> digest of what it is attached to. */
  subjects: Map<string, string>;
  blobs: Map<string, Descriptor>;
}

const AT_ONCE = 8;
/** Layers that lie elsewhere by their license: registries need not have them. */
const ELSEWHERE = /foreign|nondistributable/;

/** Reads every manifest below and attached to a digest. Layers are only named, not read. */
export async function closureOf(
  source: ImageSource,
  digest: string,
  options: { referrers: boolean; signal?: AbortSignal | undefined },
): Promise<Closure> {
  const { signal } = options;
  const found = new Map<string, { manifest: Manifest; children: string[] }>();
  const subjects = new Map<string, string>();
  const blobs = new Map<string, Descriptor>();
  const seen = new Set([digest]);

  /** One manifest, and what to read next because of it. */
  async function read(digest: string, signal: AbortSignal): Promise<string[]> {
    const attached = options.referrers ? source.referrers(digest, signal) : Promise.resolve([]);
    // Awaited below; a manifest that is missing is the better error.
    attached.catch(() => {});
    const manifest = await existing(source, digest, signal);
    const { manifests, layers } = namedBy(manifest, source);
    for (const layer of layers) if (!ELSEWHERE.test(layer.mediaType)) blobs.set(layer.digest, layer);
    const children = manifests.map((child) => child.digest);
    found.set(digest, { manifest, children });
    const referrers = (await attached).map((entry) => entry.digest);
    for (const referrer of referrers) if (!subjects.has(referrer)) subjects.set(referrer, digest);
    return [...children, ...referrers];
  }

  for (let wave = [digest]; wave.length > 0;) {
    const next: string[] = [];
    await forEachOf(
      wave,
      AT_ONCE,
      async (each, signal) => void next.push(...(await read(each, signal))),
      signal,
    );
    wave = [...new Set(next)].filter((each) => !seen.has(each));
    for (const each of wave) seen.add(each);
  }
  const order = childrenFirst(found);
  return {
    root: found.get(digest)!.manifest,
    others: order.filter((each) => each !== digest).map((each) => found.get(each)!.manifest),
    subjects,
    blobs,
  };
}

/** Nothing but the manifest or index itself: for where all the rest is in its place. */
export async function rootOf(
  source: ImageSource,
  digest: string,
  signal: AbortSignal | undefined,
): Promise<Closure> {
  const root = await existing(source, digest, signal);
  return { root, others: [], subjects: new Map(), blobs: new Map() };
}

async function existing(
  source: ImageSource,
  digest: string,
  signal: AbortSignal | undefined,
): Promise<Manifest> {
  const manifest = await source.manifest(digest, signal);
  if (manifest !== undefined) return manifest;
  const at = { registry: source.host, repository: source.name, reference: digest };
  throw errors.IMAGE_NOT_FOUND(at, { details: at });
}

/** The manifests and layers that a manifest names; their digests and sizes are checked, because they become parts of addresses. */
export function namedBy(
  manifest: Manifest,
  source: Pick<ImageSource, 'host' | 'name'>,
): { manifests: Descriptor[]; layers: Descriptor[] } {
  const document = (parsed(manifest.bytes) ?? {}) as {
    manifests?: Descriptor[];
    config?: Descriptor;
    layers?: Descriptor[];
  };
  const manifests = document.manifests ?? [];
  const layers = [document.config, ...(document.layers ?? [])].filter((each) => each !== undefined);
  const wrong = (why: string): unknown =>
    errors.IMAGE_ANSWER_INVALID({
      registry: source.host,
      repository: source.name,
      action: 'read images',
      why: `${manifest.digest} ${why}`,
    });
  if (document.manifests === undefined && document.config === undefined)
    throw wrong(
      `(${manifest.mediaType || 'no media type'}) is no image manifest or index that can be copied`,
    );
  for (const { digest, size } of [...manifests, ...layers])
    if (!isDigest(digest) || !Number.isSafeInteger(size) || size < 0)
      throw wrong('names something without a sha256 digest and a size');
  return { manifests, layers };
}

function childrenFirst(found: Map<string, { children: string[] }>): string[] {
  const order: string[] = [];
  const begun = new Set<string>();
  const visit = (digest: string): void => {
    if (begun.has(digest)) return;
    begun.add(digest);
    for (const child of found.get(digest)?.children ?? []) visit(child);
    order.push(digest);
  };
  for (const digest of found.keys()) visit(digest);
  return order;
}
