import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { errors } from '../foundation/index.ts';
import { MANIFEST_FILE } from './build.ts';
import type { ArtifactManifest } from './types.ts';

export interface Artifact {
  manifest: ArtifactManifest;
  /** Path of the tarball, whose bytes have just been found to be those that were built. */
  tarball: string;
}

/**
 * Reads what `build` wrote, and hashes the tarball again: what is published is what was built.
 * @param folder `dist/artifacts/<project>`
 * @throws ARTIFACT_MISSING, ARTIFACT_INVALID, ARTIFACT_CHANGED
 */
export async function readArtifact(folder: string): Promise<Artifact> {
  const project = basename(folder);
  const file = join(folder, MANIFEST_FILE);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' ? errors.ARTIFACT_MISSING({ project, file }, { cause: error }) : error;
  });
  const manifest = parse(text, (problem) => errors.ARTIFACT_INVALID({ project, file, problem }));

  const check = async (
    path: string,
    algorithm: string,
    encoding: 'base64' | 'hex',
    expected: string,
  ): Promise<void> => {
    const found = await hash(path, algorithm, encoding).catch((error: NodeJS.ErrnoException) => {
      throw error.code === 'ENOENT'
        ? errors.ARTIFACT_MISSING({ project, file: path }, { cause: error })
        : error;
    });
    if (found !== expected) throw errors.ARTIFACT_CHANGED({ project, file: path, expected, found });
  };
  const tarball = join(folder, manifest.tarball);
  await check(tarball, 'sha512', 'base64', manifest.integrity);
  await check(join(folder, manifest.sbom.file), 'sha256', 'hex', manifest.sbom.sha256);
  return { manifest, tarball };
}

/** Names the first field that is not as it must be. */
function parse(text: string, invalid: (problem: string) => Error): ArtifactManifest {
  let value: Partial<ArtifactManifest> | null;
  try {
    value = JSON.parse(text) as Partial<ArtifactManifest> | null;
  } catch (error) {
    throw invalid((error as Error).message);
  }
  const plain = (file: unknown): boolean =>
    typeof file === 'string' && file !== '' && file === basename(file) && !file.startsWith('.');
  const rules: [string, boolean][] = [
    ['schemaVersion', value?.schemaVersion === 1],
    ['kind', value?.kind === 'npm'],
    ['project', typeof value?.project === 'string'],
    ['name', typeof value?.name === 'string'],
    ['version', typeof value?.version === 'string'],
    ['integrity', /^sha512-[A-Za-z0-9+/]{86}==$/.test(value?.integrity ?? '')],
    ['shasum', /^[0-9a-f]{40}$/.test(value?.shasum ?? '')],
    ['size', Number.isSafeInteger(value?.size)],
    ['unpackedSize', Number.isSafeInteger(value?.unpackedSize)],
    ['tarball', plain(value?.tarball)],
    ['files', Array.isArray(value?.files)],
    ['workspaceDependencies', typeof value?.workspaceDependencies === 'object'],
    ['sbom', plain(value?.sbom?.file) && /^[0-9a-f]{64}$/.test(value?.sbom?.sha256 ?? '')],
  ];
  const wrong = rules.find(([, right]) => !right);
  if (wrong) throw invalid(`"${wrong[0]}" is missing or not as it must be`);
  return value as ArtifactManifest;
}

async function hash(path: string, algorithm: string, encoding: 'base64' | 'hex'): Promise<string> {
  const digest = createHash(algorithm);
  await pipeline(createReadStream(path), digest);
  const value = digest.digest(encoding);
  return encoding === 'base64' ? `${algorithm}-${value}` : value;
}
