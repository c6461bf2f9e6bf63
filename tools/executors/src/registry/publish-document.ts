import type { ArtifactBytes, PackageManifest } from '../artifact/types.ts';
import type { PutOptions } from './types.ts';

/** A readme larger than this stays in the tarball alone: the packument is read on every install. */
const README_LIMIT = 64 * 1024;

export interface PublishDocument {
  /** JSON up to the tarball's base64. */
  head: string;
  /** JSON after it. */
  tail: string;
  /** Bytes of the whole body. */
  length: number;
}

/** The body of npm's publish request, split where the tarball's base64 belongs. */
export function publishDocument(
  bytes: Pick<ArtifactBytes, 'size' | 'integrity' | 'shasum'>,
  manifest: PackageManifest,
  options: PutOptions & { registry: string },
): PublishDocument {
  const { name, version } = manifest;
  const file = `${name}-${version}.tgz`;
  const document = JSON.stringify({
    _id: name,
    name,
    description: manifest['description'],
    'dist-tags': { [options.tag]: version },
    versions: {
      [version]: {
        ...publicFields(manifest),
        _id: `${name}@${version}`,
        dist: {
          integrity: bytes.integrity,
          shasum: bytes.shasum,
          // Like npm's own client: an address that works over http too; registries serve their own anyway.
          tarball: `${options.registry}/${name}/-/${file}`.replace(/^https:/, 'http:'),
        },
      },
    },
    access: options.access,
  });
  const head = `${document.slice(0, -1)},"_attachments":{${JSON.stringify(file)}:{"content_type":"application/octet-stream","data":"`;
  const tail = `","length":${bytes.size}}${attachedProvenance(`${name}-${version}`, options.provenance)}}}`;
  return { head, tail, length: Buffer.byteLength(head) + base64Length(bytes.size) + Buffer.byteLength(tail) };
}

/** Unlike the tarball the bundle goes as it is, and its length counts characters: so npm's own client does it. */
function attachedProvenance(id: string, bundle: string | undefined): string {
  if (bundle === undefined) return '';
  const { mediaType } = JSON.parse(bundle) as { mediaType: string };
  const attachment = { content_type: mediaType, data: bundle, length: bundle.length };
  return `,${JSON.stringify(`${id}.sigstore`)}:${JSON.stringify(attachment)}`;
}

/** The whole body at once; for small tarballs. */
export function wholeBody(document: PublishDocument, tarball: Buffer): Buffer {
  const body = Buffer.allocUnsafe(document.length);
  let end = body.write(document.head);
  end += body.write(tarball.toString('base64'), end, 'latin1');
  body.write(document.tail, end);
  return body;
}

/** The body piece by piece, so that a large tarball costs no more memory than a few chunks of it. */
export async function* streamedBody(
  document: PublishDocument,
  tarball: AsyncIterable<Buffer | string>,
): AsyncGenerator<Buffer> {
  yield Buffer.from(document.head);
  let rest: Buffer = Buffer.alloc(0);
  for await (const part of tarball) {
    const chunk = Buffer.concat([rest, part as Buffer]);
    // Base64 turns three bytes into four characters: only whole threes can be encoded before the end.
    const whole = chunk.length - (chunk.length % 3);
    rest = chunk.subarray(whole);
    if (whole > 0) yield Buffer.from(chunk.toString('base64', 0, whole), 'latin1');
  }
  if (rest.length > 0) yield Buffer.from(rest.toString('base64'), 'latin1');
  yield Buffer.from(document.tail);
}

function base64Length(size: number): number {
  return Math.ceil(size / 3) * 4;
}

/** What of a package.json belongs into the packument. */
function publicFields(manifest: PackageManifest): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(manifest)) {
    if (key.startsWith('_') || key === 'dist' || value === undefined) continue;
    if (key === 'readme' && (typeof value !== 'string' || value.length > README_LIMIT)) continue;
    fields[key] = value;
  }
  // npm's client writes the long form, and installers read it from the packument.
  if (typeof fields['bin'] === 'string')
    fields['bin'] = { [manifest.name.replace(/^@[^/]*\//, '')]: fields['bin'] };
  return fields;
}
