import type { PackageManifest } from '../artifact/types.ts';

/** One way into a package, and how it is proved to work. */
export interface PackageEntry {
  /** As `exports` names it ("." or "./sub"), or "bin:<name>". */
  entry: string;
  /** Load it with `import`, with `require`, or look whether the file is there (types, JSON, styles). */
  check: 'import' | 'require' | 'file';
  /** Below the package's folder, for `file`. */
  paths: string[];
}

const CODE = /\.([cm]?[jt]s|node)$|^[^.]*$/;
const DECLARATION = /\.d\.[cm]?ts$/;
const IMPORT = new Set(['node', 'import', 'module-sync', 'default']);
const REQUIRE = new Set(['node', 'require', 'module-sync', 'default']);

/**
 * Every entry of a package: all subpaths of `exports` without a wildcard; without `exports`, its `main`
 * (`hasIndex`: whether there is an index.js that Node would take). Commands are looked for as files.
 */
export function entriesOf(manifest: PackageManifest, hasIndex: boolean): PackageEntry[] {
  const entries: PackageEntry[] = [];
  if (manifest.exports !== undefined && manifest.exports !== null) {
    for (const [subpath, target] of subpaths(manifest.exports)) {
      const entry = entryOf(subpath, target);
      if (entry) entries.push(entry);
    }
  } else {
    const main = manifest['main'];
    if (typeof main === 'string' && main !== '') entries.push(checkFor('.', main, 'import'));
    else if (hasIndex) entries.push({ entry: '.', check: 'import', paths: [] });
    for (const field of ['types', 'typings']) {
      const path = manifest[field];
      if (typeof path === 'string') entries.push({ entry: field, check: 'file', paths: [path] });
    }
  }
  for (const [name, path] of commands(manifest))
    entries.push({ entry: `bin:${name}`, check: 'file', paths: [path] });
  return entries;
}

function subpaths(exports: unknown): [string, unknown][] {
  const isMap = isRecord(exports) && Object.keys(exports).some((key) => key.startsWith('.'));
  const all: [string, unknown][] = isMap ? Object.entries(exports as object) : [['.', exports]];
  return all.filter(([subpath]) => !subpath.includes('*') && !subpath.endsWith('/'));
}

function entryOf(subpath: string, target: unknown): PackageEntry | undefined {
  const imported = resolve(target, IMPORT);
  if (imported !== undefined) return checkFor(subpath, imported, 'import');
  const required = resolve(target, REQUIRE);
  if (required !== undefined) return checkFor(subpath, required, 'require');
  // For others than Node (types, browsers), or closed on purpose.
  const paths = leaves(target);
  return paths.length === 0 ? undefined : { entry: subpath, check: 'file', paths };
}

function checkFor(entry: string, path: string, check: 'import' | 'require'): PackageEntry {
  const file = path.slice(path.lastIndexOf('/') + 1);
  return CODE.test(file) && !DECLARATION.test(file)
    ? { entry, check, paths: [] }
    : { entry, check: 'file', paths: [path] };
}

/** The target that Node takes under these conditions: the first key that holds, as in Node's own algorithm. */
function resolve(target: unknown, conditions: ReadonlySet<string>): string | undefined {
  if (typeof target === 'string') return target;
  if (Array.isArray(target)) {
    for (const choice of target) {
      const found = resolve(choice, conditions);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (!isRecord(target)) return undefined;
  for (const [condition, next] of Object.entries(target)) {
    if (!conditions.has(condition)) continue;
    if (next === null) return undefined;
    const found = resolve(next, conditions);
    if (found !== undefined) return found;
  }
  return undefined;
}

function leaves(target: unknown): string[] {
  if (typeof target === 'string') return target.includes('*') ? [] : [target];
  if (Array.isArray(target) || isRecord(target)) return [...new Set(Object.values(target).flatMap(leaves))];
  return [];
}

function commands(manifest: PackageManifest): [string, string][] {
  const bin = manifest['bin'];
  if (typeof bin === 'string') return [[manifest.name, bin]];
  if (!isRecord(bin)) return [];
  return Object.entries(bin).filter((pair): pair is [string, string] => typeof pair[1] === 'string');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
