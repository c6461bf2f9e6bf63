import type { Readable } from 'node:stream';
import { errors } from '../../foundation/index.ts';
import { closureOf, rootOf, type Closure } from './closure.ts';
import { isDigest } from './names.ts';
import { forEachOf } from './pool.ts';
import { tally } from './tally.ts';
import type { CopyReport, Descriptor, ImageSource, OciRepository } from './types.ts';
import { verified } from './verified.ts';

export interface CopyRequest {
  source: ImageSource;
  target: OciRepository;
  /** `sha256:<hex>` of the manifest or index. */
  digest: string;
  /** Tags to set in the target; without any, the image is there by its digest alone. */
  tags: string[];
  /** Whether a tag that is another digest may be moved. */
  moves: boolean | ((tag: string) => boolean);
  /** Whether what is attached goes along (it does unless said otherwise). */
  referrers?: boolean;
  /** Done when all but the tags is there. */
  beforeTags?: () => Promise<void>;
  signal?: AbortSignal | undefined;
}

/** Layers under way at once; each holds some hundred kilobytes, whatever its size. */
const LAYERS = 6;
const SMALL = 8;

/**
 * Copies an image (all platforms, and all that is attached to any of them) byte for byte, and sets tags. What is there
 * is asked for, mounted or streamed; children come before parents, and the tags last: a copy that was cut off shows under no tag.
 * Inside one repository only the tags are set.
 * @throws TAG_TAKEN before anything is copied; IMAGE_NOT_FOUND, IMAGE_BYTES_DIFFER, IMAGE_UPLOAD_CUT, TAG_NOT_AS_SET, and what registries answer
 */
export async function copyImage(request: CopyRequest): Promise<CopyReport> {
  const { result, requests } = await tally(() => copy(request));
  return { ...result, requests: requests.all, manifestRequests: requests.manifests };
}

type Counted = Omit<CopyReport, 'requests' | 'manifestRequests'>;

async function copy({
  source,
  target,
  digest,
  tags,
  moves,
  referrers = true,
  beforeTags,
  signal,
}: CopyRequest): Promise<Counted> {
  if (!isDigest(digest))
    throw errors.IMAGE_NOT_FOUND({ registry: source.host, repository: source.name, reference: digest });
  const samePlace = source.host === target.host && source.name === target.name;
  const [before, closure] = await bothOf(
    tagsBefore(target, tags, digest, moves, signal),
    samePlace ? rootOf(source, digest, signal) : closureOf(source, digest, { referrers, signal }),
  );
  const { root } = closure;
  const report: Counted = {
    digest,
    mediaType: root.mediaType,
    blobs: { there: 0, mounted: 0, streamed: 0 },
    manifests: { there: 0, put: 0 },
    bytes: 0,
    tags: before,
  };
  if (!samePlace) {
    await copyBlobs(source, target, [...closure.blobs.values()], report, signal);
    await copyManifests(target, closure, report, signal);
  }
  await beforeTags?.();
  const wanting = before.filter((each) => each.before !== digest);
  if (tags.length === 0 && !samePlace) {
    if (await target.head(digest, signal)) report.manifests.there += 1;
    else {
      await target.putManifest(root, digest, signal);
      report.manifests.put += 1;
    }
  } else if (wanting.length < before.length) report.manifests.there += 1;
  else if (wanting.length > 0) report.manifests.put += 1;
  // The bytes are read back once; whether a further tag leads to them, its digest tells.
  const [read] = wanting;
  await forEachOf(
    wanting,
    SMALL,
    async (each, signal) => {
      const { tag } = each;
      await target.putManifest(root, tag, signal);
      const now = await (each === read ? target.manifest(tag, signal) : target.head(tag, signal));
      if (now?.digest === digest) return;
      throw errors.TAG_NOT_AS_SET(
        {
          registry: target.host,
          repository: target.name,
          tag,
          wanted: digest,
          found: now?.digest ?? 'nothing',
        },
        { transient: true },
      );
    },
    signal,
  );
  return report;
}

/** What the tags are now. Throws TAG_TAKEN for one that must not move. */
async function tagsBefore(
  target: OciRepository,
  tags: string[],
  wanted: string,
  moves: CopyRequest['moves'],
  signal: AbortSignal | undefined,
): Promise<CopyReport['tags']> {
  const before = await Promise.all(
    [...new Set(tags)].map(async (tag) => ({ tag, before: (await target.head(tag, signal))?.digest })),
  );
  for (const { tag, before: there } of before) {
    const movable = typeof moves === 'function' ? moves(tag) : moves;
    if (there === undefined || there === wanted || movable) continue;
    const { host: registry, name: repository } = target;
    throw errors.TAG_TAKEN(
      { registry, repository, tag, there, wanted },
      { details: { registry, repository, tag, there, wanted } },
    );
  }
  return before;
}

async function copyBlobs(
  source: ImageSource,
  target: OciRepository,
  blobs: Descriptor[],
  report: Counted,
  signal: AbortSignal | undefined,
): Promise<void> {
  const sameRegistry = source.host === target.host;
  // The largest first: none of them is left to be waited for alone.
  const order = blobs.toSorted((a, b) => b.size - a.size);
  await forEachOf(
    order,
    LAYERS,
    async (blob, signal) => {
      // A mount is one request too, and does no harm where the layer is there.
      if (sameRegistry && (await target.mount(blob.digest, source.name, signal))) {
        report.blobs.mounted += 1;
      } else if (await target.hasBlob(blob.digest, signal)) {
        report.blobs.there += 1;
      } else {
        await target.upload(blob, checked(source, blob, signal, report), signal);
        report.blobs.streamed += 1;
      }
    },
    signal,
  );
}

/** A layer's bytes as the source gives them, hashed on their way and counted. */
function checked(
  source: ImageSource,
  blob: Descriptor,
  signal: AbortSignal,
  report: Counted,
): (from: number) => Promise<Readable> {
  const { digest, size } = blob;
  const at = { registry: source.host, repository: source.name };
  return verified(blob, (from) => source.blob(digest, { from, signal }), {
    short: (got) =>
      source.differs?.(digest, `${got} of its ${size} bytes`) ??
      errors.IMAGE_DOWNLOAD_CUT({ ...at, digest, got, size }, { transient: true }),
    differs: (found) =>
      source.differs?.(digest, found) ??
      errors.IMAGE_BYTES_DIFFER(
        { ...at, reference: digest, expected: digest, found },
        { details: { ...at, expected: digest, found } },
      ),
    passed: (bytes) => void (report.bytes += bytes),
  });
}

/**
 * Everything but the root. A list of referrers may miss a manifest that is there (a run that was cut off between the two):
 * those are put again.
 */
async function copyManifests(
  target: OciRepository,
  { others, subjects }: Closure,
  report: Counted,
  signal: AbortSignal | undefined,
): Promise<void> {
  const listed = new Set<string>();
  await forEachOf(
    [...new Set(subjects.values())],
    SMALL,
    async (subject, signal) => {
      for (const { digest } of await target.referrers(subject, signal)) listed.add(digest);
    },
    signal,
  );
  const there = new Set<string>();
  await forEachOf(
    others,
    SMALL,
    async ({ digest }, signal) => {
      if (subjects.has(digest) && !listed.has(digest)) return;
      if (await target.head(digest, signal)) there.add(digest);
    },
    signal,
  );
  for (const manifest of others) {
    if (there.has(manifest.digest)) {
      report.manifests.there += 1;
      continue;
    }
    await target.putManifest(manifest, manifest.digest, signal);
    report.manifests.put += 1;
  }
}

/** Both, or the first one's error where both fail: it says more. */
async function bothOf<A, B>(first: Promise<A>, second: Promise<B>): Promise<[A, B]> {
  second.catch(() => {});
  const a = await first;
  return [a, await second];
}
