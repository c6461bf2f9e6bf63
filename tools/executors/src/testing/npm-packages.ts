import { gzipSync } from 'node:zlib';
import { Header } from 'tar';
import type { ArtifactBytes, PackageManifest } from '../artifact/types.ts';
import { bytesFromBuffer } from '../registry/bytes.ts';

export interface TarballRecipe {
  name: string;
  version: string;
  /** Path inside the package -> content; an `index.js` that exports the name is added where there is none. */
  files?: Record<string, string | Buffer>;
  dependencies?: Record<string, string>;
  /** Further fields of package.json. */
  manifest?: Record<string, unknown>;
  /** 0 stores without compression, for large tarballs in tests. */
  level?: number;
}

/** A package's tarball, made in memory; the same recipe gives the same bytes. */
export async function makeTarball(
  recipe: TarballRecipe,
): Promise<ArtifactBytes & { buffer: Buffer; manifest: PackageManifest }> {
  const manifest: PackageManifest = {
    name: recipe.name,
    version: recipe.version,
    type: 'module',
    exports: './index.js',
    ...(recipe.dependencies ? { dependencies: recipe.dependencies } : {}),
    ...recipe.manifest,
  };
  const buffer = packFiles(
    {
      'package.json': JSON.stringify(manifest, null, 2),
      'index.js': `export const name = ${JSON.stringify(recipe.name)};\n`,
      ...recipe.files,
    },
    recipe.level,
  );
  return Object.assign(bytesFromBuffer(buffer), { buffer, manifest });
}

/** A gzipped tar of these files below `package/` (or the folder given). */
export function packFiles(files: Record<string, string | Buffer>, level = 6, folder = 'package'): Buffer {
  const blocks: Buffer[] = [];
  for (const [path, content] of Object.entries(files)) {
    const body = Buffer.isBuffer(content) ? content : Buffer.from(content);
    const header = Buffer.alloc(512);
    new Header({
      path: `${folder}/${path}`,
      mode: 0o644,
      size: body.length,
      type: 'File',
      mtime: new Date('1985-10-26T08:15:00Z'),
    }).encode(header);
    blocks.push(header, body, Buffer.alloc((512 - (body.length % 512)) % 512));
  }
  blocks.push(Buffer.alloc(1024));
  return gzipSync(Buffer.concat(blocks), { level });
}
