import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { errors } from '../../foundation/index.ts';
import type { Descriptor } from '../../registry/oci/types.ts';
import type { ServiceBundle } from '../../service/types.ts';
import { MANIFEST_FILE } from '../build.ts';
import { LAYOUT_FOLDER } from './build.ts';
import { blobPath } from './layout.ts';
import { BUNDLE_TYPE, type ImageArtifactManifest } from './types.ts';

export interface ImageArtifact {
  manifest: ImageArtifactManifest;
  /** The OCI layout, every file of which has just been found to be what was built. */
  layout: string;
  bundle: ServiceBundle;
}

/**
 * Reads what `build` wrote for a service, and hashes all of it again: what is pushed is what was built.
 * @param folder `dist/artifacts/<project>`
 * @throws ARTIFACT_MISSING, ARTIFACT_INVALID, ARTIFACT_CHANGED
 */
export async function readImageArtifact(folder: string): Promise<ImageArtifact> {
  const project = basename(folder);
  const file = join(folder, MANIFEST_FILE);
  const missing =
    (path: string) =>
    (error: NodeJS.ErrnoException): never => {
      throw error.code === 'ENOENT'
        ? errors.ARTIFACT_MISSING({ project, file: path }, { cause: error })
        : error;
    };
  const changed = (path: string, expected: string, found: string): Error =>
    errors.ARTIFACT_CHANGED({ project, file: path, expected, found });
  const text = await readFile(file, 'utf8').catch(missing(file));
  const manifest = parse(text, (problem) => errors.ARTIFACT_INVALID({ project, file, problem }));
  const layout = join(folder, LAYOUT_FOLDER);

  const checked = new Set<string>();
  const check = async ({ digest, size, mediaType }: Descriptor): Promise<void> => {
    if (checked.has(digest)) return;
    checked.add(digest);
    const path = blobPath(layout, digest);
    if (!/\.(manifest|index)\.v1\+json$/.test(mediaType)) {
      const found = await hash(path).catch(missing(path));
      if (`sha256:${found.sha256}` !== digest || found.size !== size)
        throw changed(path, `${digest}, ${size} B`, `sha256:${found.sha256}, ${found.size} B`);
      return;
    }
    const bytes = await readFile(path).catch(missing(path));
    const found = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    if (found !== digest) throw changed(path, digest, found);
    const document = JSON.parse(bytes.toString('utf8')) as Record<'manifests' | 'layers', Descriptor[]> & {
      config?: Descriptor;
    };
    for (const below of [
      ...(document.manifests ?? []),
      ...(document.config ? [document.config] : []),
      ...(document.layers ?? []),
    ])
      await check(below);
  };
  const index = join(layout, 'index.json');
  const named = JSON.parse(await readFile(index, 'utf8').catch(missing(index))) as {
    manifests?: Descriptor[];
  };
  const [root] = named.manifests ?? [];
  if (root?.digest !== manifest.digest) throw changed(index, manifest.digest, root?.digest ?? 'nothing');
  await check(root);
  for (const digest of Object.values(manifest.images)) {
    if (!checked.has(digest)) throw changed(file, `an image ${digest}`, 'none of that digest');
  }

  let bundle: ServiceBundle | undefined;
  for (const attachment of manifest.attachments) {
    const path = join(folder, attachment.file);
    const bytes = await readFile(path).catch(missing(path));
    const found = createHash('sha256').update(bytes).digest('hex');
    if (found !== attachment.sha256) throw changed(path, attachment.sha256, found);
    if (attachment.artifactType === BUNDLE_TYPE) bundle = JSON.parse(bytes.toString('utf8')) as ServiceBundle;
  }
  if (!bundle)
    throw errors.ARTIFACT_INVALID({ project, file, problem: 'it has no service.json among its attachments' });
  return { manifest, layout, bundle };
}

/** Names the first field that is not as it must be. */
function parse(text: string, invalid: (problem: string) => Error): ImageArtifactManifest {
  let value: Partial<ImageArtifactManifest> | null;
  try {
    value = JSON.parse(text) as Partial<ImageArtifactManifest> | null;
  } catch (error) {
    throw invalid((error as Error).message);
  }
  const isText = (one: unknown): boolean => typeof one === 'string' && one !== '';
  const isDigest = (one: unknown): boolean => typeof one === 'string' && /^sha256:[0-9a-f]{64}$/.test(one);
  const plain = (name: unknown): boolean =>
    typeof name === 'string' && name !== '' && name === basename(name) && !name.startsWith('.');
  const rules: [string, boolean][] = [
    ['schemaVersion', value?.schemaVersion === 1],
    ['kind', value?.kind === 'image'],
    ...(['project', 'name', 'repository', 'mediaType', 'builder'] as const).map(
      (field): [string, boolean] => [field, isText(value?.[field])],
    ),
    ['version', /^sha-[0-9a-f]{12}(-[0-9a-f]{8})?$/.test(value?.version ?? '')],
    ['digest', isDigest(value?.digest)],
    ['size', Number.isSafeInteger(value?.size)],
    ['commit', /^[0-9a-f]{40,64}$/.test(value?.commit ?? '')],
    ['dirty', typeof value?.dirty === 'boolean'],
    ['images', isFilled(value?.images) && Object.values(value?.images ?? {}).every(isDigest)],
    ['bases', Array.isArray(value?.bases)],
    ['migrations', Array.isArray(value?.migrations)],
    [
      'attachments',
      Array.isArray(value?.attachments) &&
        value.attachments.every((one) => plain(one?.file) && /^[0-9a-f]{64}$/.test(one?.sha256 ?? '')),
    ],
  ];
  const wrong = rules.find(([, right]) => !right);
  if (wrong) throw invalid(`"${wrong[0]}" is missing or not as it must be`);
  return value as ImageArtifactManifest;
}

const isFilled = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length > 0;

async function hash(path: string): Promise<{ sha256: string; size: number }> {
  const digest = createHash('sha256');
  let size = 0;
  await pipeline(
    createReadStream(path, { highWaterMark: 256 * 1024 }),
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        size += chunk.length;
        yield chunk;
      }
    },
    digest,
  );
  return { sha256: digest.digest('hex'), size };
}
