import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { mustRun, toolEnv } from './commands.ts';
import type { BenchPackage } from './graph.ts';
import { makeHome } from './workspace.ts';
import type { Workspace } from './workspace.ts';

/** One package as the registry takes it: the tarball that `npm pack` makes, and the body of the PUT, ready to send. */
export interface Prepared extends BenchPackage {
  tarball: string;
  integrity: string;
  /** Path of the package in a registry. */
  path: string;
  /** Path of the tarball in a registry. */
  tarballPath: string;
  body: Buffer;
}

/** Packs every package of the workspace with one `npm pack` and prepares the bodies. */
export async function prepareTarballs(workspace: Workspace): Promise<Prepared[]> {
  const folder = join(workspace.folder, 'tarballs');
  mkdirSync(folder, { recursive: true });
  const home = makeHome(workspace, 'pack', []);
  await workspace.reset();
  await mustRun(
    ['npm', 'pack', '--workspaces', '--loglevel=error', '--pack-destination', folder],
    workspace.tree,
    toolEnv(home),
  );
  return workspace.packages.map((one) => {
    const tarball = join(folder, `${one.name.replace('@', '').replace('/', '-')}-${one.version}.tgz`);
    const manifest = JSON.parse(
      readFileSync(join(workspace.tree, one.folder, 'package.json'), 'utf8'),
    ) as object;
    return { ...one, ...bodyOf(one, manifest, readFileSync(tarball)), tarball };
  });
}

/** The request body of npm's protocol for publishing one version under `latest`. */
export function bodyOf(
  one: BenchPackage,
  manifest: object,
  bytes: Buffer,
): Pick<Prepared, 'integrity' | 'path' | 'tarballPath' | 'body'> {
  const integrity = integrityOf(bytes);
  const file = `${one.name}-${one.version}.tgz`;
  const tarballPath = `/${one.name}/-/${file.slice(file.indexOf('/') + 1)}`;
  const dist = {
    integrity,
    shasum: createHash('sha1').update(bytes).digest('hex'),
    tarball: `http://127.0.0.1${tarballPath}`,
  };
  const body = {
    _id: one.name,
    name: one.name,
    'dist-tags': { latest: one.version },
    versions: { [one.version]: { ...manifest, _id: `${one.name}@${one.version}`, dist } },
    access: 'public',
    _attachments: {
      [file]: {
        content_type: 'application/octet-stream',
        data: bytes.toString('base64'),
        length: bytes.length,
      },
    },
  };
  return {
    integrity,
    path: `/${one.name.replace('/', '%2f')}`,
    tarballPath,
    body: Buffer.from(JSON.stringify(body)),
  };
}

export function integrityOf(bytes: Buffer): string {
  return `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
}
