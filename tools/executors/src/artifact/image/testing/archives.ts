import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { Header, Pax } from 'tar';

export interface TarEntry {
  path: string;
  /** A file unless something else is said. */
  type?: 'File' | 'Directory' | 'SymbolicLink' | 'Link';
  content?: string | Buffer;
  linkpath?: string;
  /** Seconds since 1970. */
  mtime?: number;
  mode?: number;
  /** An extended header before it. */
  pax?: { path?: string; mtime?: number; atime?: number };
}

/** A tar file, byte for byte as said. */
export function tarOf(entries: readonly TarEntry[]): Buffer {
  const blocks = entries.flatMap(
    ({ path, type = 'File', content = '', linkpath, mtime = 0, mode = 0o644, pax }) => {
      const bytes = Buffer.from(content);
      const header = new Header({
        path: path.slice(0, 99),
        type,
        mode,
        size: type === 'File' ? bytes.length : 0,
        mtime: new Date(mtime * 1000),
        uid: 1,
        gid: 2,
        ...(linkpath === undefined ? {} : { linkpath }),
      });
      const block = Buffer.alloc(512);
      header.encode(block);
      const extended = pax
        ? [
            new Pax({
              path,
              ...(pax.path === undefined ? {} : { path: pax.path }),
              ...(pax.mtime === undefined ? {} : { mtime: new Date(pax.mtime * 1000) }),
              ...(pax.atime === undefined ? {} : { atime: new Date(pax.atime * 1000) }),
            }).encode(),
          ]
        : [];
      return [
        ...extended,
        block,
        ...(type === 'File' ? [bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)] : []),
      ];
    },
  );
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

export const digestOf = (bytes: Uint8Array): string =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

export interface MadeImage {
  layers: Buffer[];
  config?: Record<string, unknown>;
  architecture?: string;
}

const configOf = ({ layers, config = {}, architecture = 'amd64' }: MadeImage): Buffer =>
  Buffer.from(
    JSON.stringify({
      architecture,
      os: 'linux',
      created: new Date().toISOString(),
      config: { Hostname: 'abcdef', Cmd: ['true'], ...config },
      rootfs: { type: 'layers', diff_ids: layers.map(digestOf) },
      history: layers.map((_, i) => ({ created: new Date().toISOString(), created_by: `RUN ${i}` })),
    }),
  );

/** What `docker save` writes of one image. */
export function dockerArchive(image: MadeImage): Buffer {
  const config = configOf(image);
  const name = `${digestOf(config).slice(7)}.json`;
  const layers = image.layers.map((bytes, i) => ({ path: `${String(i)}/layer.tar`, content: bytes }));
  const manifest = [{ Config: name, RepoTags: null, Layers: layers.map(({ path }) => path) }];
  return tarOf([
    ...layers,
    { path: name, content: config },
    { path: 'manifest.json', content: JSON.stringify(manifest) },
  ]);
}

/** What BuildKit's `type=oci` writes: one image, or an index over several. */
export function ociArchive(images: readonly MadeImage[]): Buffer {
  const blobs = new Map<string, Buffer>();
  const add = (mediaType: string, bytes: Buffer) => {
    blobs.set(digestOf(bytes), bytes);
    return { mediaType, digest: digestOf(bytes), size: bytes.length };
  };
  const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
  const manifests = images.map((image) =>
    add(
      'application/vnd.oci.image.manifest.v1+json',
      json({
        schemaVersion: 2,
        config: add('application/vnd.oci.image.config.v1+json', configOf(image)),
        layers: image.layers.map((layer) =>
          add('application/vnd.oci.image.layer.v1.tar+gzip', gzipSync(layer)),
        ),
      }),
    ),
  );
  const statement = add('application/vnd.oci.image.manifest.v1+json', json({ config: {}, layers: [] }));
  const top =
    manifests.length === 1
      ? manifests
      : [
          add(
            'application/vnd.oci.image.index.v1+json',
            json({
              manifests: [
                ...manifests,
                { ...statement, annotations: { 'vnd.docker.reference.type': 'attestation-manifest' } },
              ],
            }),
          ),
        ];
  return tarOf([
    { path: 'oci-layout', content: '{}' },
    { path: 'index.json', content: json({ schemaVersion: 2, manifests: top }) },
    ...[...blobs].map(([digest, content]) => ({ path: `blobs/${digest.replace(':', '/')}`, content })),
  ]);
}
