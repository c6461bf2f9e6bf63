import { once } from 'node:events';
import type { Parser, ReadEntry } from 'tar';
import type { ArtifactBytes, PackageManifest } from '../artifact/types.ts';
import { errors, SluiceError } from '../foundation/index.ts';

const MANIFEST_LIMIT = 1024 * 1024;
const README_LIMIT = 64 * 1024;

/**
 * Reads `package/package.json` (whatever the first folder is called), and the readme where it is small, by streaming
 * the tarball once. Throws TARBALL_UNREADABLE.
 */
export async function readPackageManifest(
  bytes: Pick<ArtifactBytes, 'stream'>,
): Promise<{ manifest: PackageManifest; readme?: string }> {
  const manifests: Promise<string>[] = [];
  const readmes: Promise<string>[] = [];
  // Loaded late: a run with nothing to do opens no tarball.
  const { Parser } = await import('tar');
  const parser = new Parser({
    // A tarball with damaged entries would install differently in different clients.
    strict: true,
    onReadEntry: (entry) => {
      const file = /^(?:\.\/)?[^/]+\/([^/]+)$/.exec(entry.path)?.[1] ?? '';
      if (entry.type !== 'File' && entry.type !== 'OldFile') entry.resume();
      else if (file === 'package.json') manifests.push(text(entry, MANIFEST_LIMIT));
      else if (/^readme(\.(md|markdown|txt))?$/i.test(file) && entry.size <= README_LIMIT)
        readmes.push(text(entry, README_LIMIT));
      else entry.resume();
    },
  });
  try {
    await feed(bytes.stream(), parser);
    const [first, second] = await Promise.all(manifests);
    // Unpacking keeps the last one, other readers the first: such a tarball means two things at once.
    if (second !== undefined)
      throw errors.TARBALL_UNREADABLE({ why: 'it has more than one package.json at its top' });
    if (first === undefined) throw errors.TARBALL_UNREADABLE({ why: 'it has no package.json at its top' });
    const readme = (await Promise.all(readmes))[0];
    return { manifest: parse(first), ...(readme === undefined ? {} : { readme }) };
  } catch (error) {
    await Promise.allSettled([...manifests, ...readmes]);
    if (error instanceof SluiceError) throw error;
    throw errors.TARBALL_UNREADABLE({ why: (error as Error).message }, { cause: error });
  }
}

/** Throws TARBALL_NAME_MISMATCH or PACKAGE_PRIVATE where a tarball is not what it is handed around as. */
export function assertManifest(manifest: PackageManifest, expected: { name: string; version: string }): void {
  if (manifest.name !== expected.name || manifest.version !== expected.version) {
    throw errors.TARBALL_NAME_MISMATCH({
      expected: `${expected.name}@${expected.version}`,
      found: `${manifest.name}@${manifest.version}`,
    });
  }
  if (manifest.private === true) throw errors.PACKAGE_PRIVATE({ name: manifest.name });
}

async function feed(source: NodeJS.ReadableStream, parser: Parser): Promise<void> {
  const ended = once(parser, 'end');
  const feeding = (async () => {
    for await (const chunk of source)
      if (!parser.write(chunk)) await Promise.race([once(parser, 'drain'), ended]);
    parser.end();
  })();
  await Promise.all([ended, feeding]);
}

function parse(json: string): PackageManifest {
  let value: unknown;
  try {
    value = JSON.parse(json.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw errors.TARBALL_UNREADABLE(
      { why: `its package.json is not JSON (${(error as Error).message})` },
      { cause: error },
    );
  }
  const { name, version } = (value ?? {}) as Record<string, unknown>;
  if (typeof name !== 'string' || typeof version !== 'string') {
    throw errors.TARBALL_UNREADABLE({ why: 'its package.json has no name or no version' });
  }
  return value as PackageManifest;
}

async function text(entry: ReadEntry, limit: number): Promise<string> {
  if (entry.size > limit) {
    entry.resume();
    throw errors.TARBALL_UNREADABLE({
      why: `${entry.path} has ${entry.size} bytes, ${limit} at most are read`,
    });
  }
  return (await entry.concat()).toString('utf8');
}
