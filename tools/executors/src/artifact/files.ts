import { lstat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import packlist from 'npm-packlist';
import type { Found, Tree, WalkOptions } from 'npm-packlist';
import { binaries, inside } from './entries.ts';
import type { PackageManifest } from './types.ts';

export interface PackedFile {
  /** Inside the package, forward slashes. */
  path: string;
  size: number;
  /** 0o644, or 0o755 for commands: never what the source file happens to have. */
  mode: number;
}

export interface FileList {
  /** By path, in code unit order: the same on every machine, whatever its locale. */
  files: PackedFile[];
  /** Symbolic links that npm's rules would have taken, were they files. npm leaves them out, and so do we. */
  symlinks: string[];
}

/**
 * The files of a package by npm's own rules: `files`, `.npmignore`, `.gitignore` (those of the workspace too), and what
 * is always in.
 */
export async function listFiles(
  folder: string,
  manifest: PackageManifest,
  workspaceRoot: string,
): Promise<FileList> {
  const path = resolve(folder);
  const bin = binaries(manifest);
  const strip = (field: unknown): unknown => (typeof field === 'string' ? inside(field) : undefined);
  const normal = { ...manifest, bin, main: strip(manifest['main']), browser: strip(manifest['browser']) };
  const tree: Tree = { path, package: normal, isProjectRoot: true, edgesOut: new Map<string, never>() };

  const links: string[] = [];
  const options = { isPackage: true, prefix: resolve(workspaceRoot), workspaces: [path] };
  const paths = await new Promise<Set<string>>((done, fail) => {
    new Walker(tree, options, links).on('done', done).on('error', fail).start();
  });

  const commands = new Set(Object.values(bin));
  const folderOfCommands = commandFolder(manifest);
  const sorted = [...paths].sort(byCodeUnit);
  const files = await Promise.all(
    sorted.map(async (file): Promise<PackedFile> => {
      const isCommand =
        commands.has(file) || (folderOfCommands !== undefined && file.startsWith(folderOfCommands));
      const { size } = await lstat(join(path, file));
      return { path: file, size, mode: isCommand ? 0o755 : 0o644 };
    }),
  );
  return { files, symlinks: links.sort(byCodeUnit) };
}

export const byCodeUnit = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function commandFolder(manifest: PackageManifest): string | undefined {
  const { directories } = manifest as { directories?: { bin?: unknown } };
  return typeof directories?.bin === 'string' ? `${inside(directories.bin)}/` : undefined;
}

/** npm's walker, but it remembers which symbolic links it passed over. */
class Walker extends packlist.Walker {
  readonly #links: string[];

  constructor(tree: Tree, options: WalkOptions, links: string[]) {
    super(tree, options);
    this.#links = links;
  }

  protected override onstat(found: Found, then: () => void): void {
    const { st, entry, file, dir } = found;
    if (st.isSymbolicLink() && (file || dir))
      this.#links.push(`${this.path}/${entry}`.slice(this.root.length + 1));
    super.onstat(found, then);
  }

  protected override walker(entry: string, options: object, then: () => void): void {
    new Walker(this.tree, this.walkerOpt(entry, options), this.#links)
      .on('done', then)
      .on('error', (error) => this.emit('error', error))
      .start();
  }
}
