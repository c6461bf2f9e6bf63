import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { errors } from '../../foundation/index.ts';
import { namedBy } from './closure.ts';
import { IMAGE_MANIFEST, sha256 } from './names.ts';
import { documentOf } from './referrers.ts';
import type { Descriptor, Manifest, OciRepository } from './types.ts';
import { verified, whole } from './verified.ts';

/** Something to attach: a file of this machine. */
export interface AttachmentFile {
  /** Where it lies; its last part becomes the title. */
  file: string;
  artifactType: string;
  /** Lower-case hex, with or without `sha256:` before it. */
  sha256: string;
}
export interface ReadAttachment {
  bytes: Buffer;
  /** Digest of the artifact's manifest. */
  digest: string;
}

const EMPTY_BYTES = Buffer.from('{}');
const EMPTY: Descriptor = {
  mediaType: 'application/vnd.oci.empty.v1+json',
  digest: sha256(EMPTY_BYTES),
  size: EMPTY_BYTES.length,
};
/** Attachments are documents: they are read into memory whole. */
const LARGEST = 64 * 1024 * 1024;

/** The manifest that attaches one document to an image. The same document and image make the same bytes, whenever. */
export function attachmentManifest(
  subject: Descriptor,
  { title, artifactType, bytes }: { title: string; artifactType: string; bytes: Buffer },
): Manifest {
  const { mediaType, digest, size } = subject;
  const document = {
    schemaVersion: 2,
    mediaType: IMAGE_MANIFEST,
    artifactType,
    config: { ...EMPTY, data: EMPTY_BYTES.toString('base64') },
    layers: [
      {
        mediaType: artifactType,
        digest: sha256(bytes),
        size: bytes.length,
        annotations: { 'org.opencontainers.image.title': title },
      },
    ],
    subject: { mediaType, digest, size },
  };
  const written = Buffer.from(JSON.stringify(document));
  return { digest: sha256(written), mediaType: IMAGE_MANIFEST, bytes: written };
}

/** Attaches a document to an image; nothing is sent that is there already. Returns its manifest's digest. */
export async function attach(
  target: OciRepository,
  subject: Descriptor,
  { file, artifactType, sha256: expected }: AttachmentFile,
  signal?: AbortSignal,
): Promise<string> {
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw errors.LAYOUT_INVALID({ folder: file, why: 'the file is missing' }, { cause });
  });
  const found = sha256(bytes);
  if (found !== `sha256:${expected.replace(/^sha256:/, '')}`)
    throw errors.LAYOUT_INVALID({ folder: file, why: `it was changed: ${found} instead of ${expected}` });
  const title = file.split(/[\\/]/).at(-1) ?? file;
  const manifest = attachmentManifest(subject, { title, artifactType, bytes });
  const there = await target.referrers(subject.digest, signal);
  if (there.some(({ digest }) => digest === manifest.digest) && (await target.head(manifest.digest, signal)))
    return manifest.digest;
  for (const [blob, content] of [
    [EMPTY, EMPTY_BYTES],
    [{ digest: found, size: bytes.length }, bytes],
  ] as const) {
    if (await target.hasBlob(blob.digest, signal)) continue;
    await target.upload(blob, async (from) => Readable.from([content.subarray(from)]), signal);
  }
  await target.putManifest(manifest, manifest.digest, signal);
  return manifest.digest;
}

/**
 * The document of a type that is attached to an image, its hashes checked. Whoever may write to a repository may attach:
 * say the `sha256` (hex) that the ledger knows, and nothing else counts.
 * @throws ATTACHMENT_MISSING, ATTACHMENT_AMBIGUOUS (several, and no sha256 was said), IMAGE_BYTES_DIFFER
 */
export async function readAttachment(
  repository: Pick<OciRepository, 'host' | 'name' | 'manifest' | 'blob' | 'referrers'>,
  digest: string,
  artifactType: string,
  options: { sha256?: string; signal?: AbortSignal } = {},
): Promise<ReadAttachment> {
  const { signal } = options;
  const at = { registry: repository.host, repository: repository.name };
  const expected =
    options.sha256 === undefined ? undefined : `sha256:${options.sha256.replace(/^sha256:/, '')}`;
  const found = new Map<string, { layer: Descriptor; digest: string }>();
  for (const entry of await repository.referrers(digest, signal)) {
    if (entry.artifactType !== undefined && entry.artifactType !== artifactType) continue;
    const manifest = await repository.manifest(entry.digest, signal);
    if (manifest === undefined || typeOf(manifest) !== artifactType || subjectOf(manifest) !== digest)
      continue;
    // The last: the configuration comes first.
    const layer = namedBy(manifest, repository).layers.at(-1);
    if (layer === undefined || (expected !== undefined && layer.digest !== expected)) continue;
    found.set(layer.digest, { layer, digest: manifest.digest });
  }
  if (found.size > 1)
    throw errors.ATTACHMENT_AMBIGUOUS({ ...at, digest, artifactType, found: [...found.keys()] });
  const [only] = found.values();
  if (only === undefined)
    throw errors.ATTACHMENT_MISSING(
      { ...at, digest, artifactType },
      { details: { ...at, digest, artifactType } },
    );
  const { layer } = only;
  const differs = (what: string) =>
    errors.IMAGE_BYTES_DIFFER({ ...at, reference: layer.digest, expected: layer.digest, found: what });
  if (layer.size > LARGEST) throw differs(`${layer.size} bytes, far more than such a document has`);
  const open = verified(layer, (from) => repository.blob(layer.digest, { from, ...(signal && { signal }) }), {
    short: (got) =>
      errors.IMAGE_DOWNLOAD_CUT({ ...at, digest: layer.digest, got, size: layer.size }, { transient: true }),
    differs,
  });
  return { bytes: await whole(await open(0)), digest: only.digest };
}

function typeOf(manifest: Manifest): string | undefined {
  const { artifactType, config } = documentOf(manifest);
  return artifactType ?? config?.mediaType;
}
const subjectOf = (manifest: Manifest): string | undefined => documentOf(manifest).subject?.digest;
