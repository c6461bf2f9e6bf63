import { posix } from 'node:path';
import type { PackageManifest } from './types.ts';

/** What package.json promises and the tarball does not hold, as `exports["./x"] -> ./dist/x.js`; empty where all is there. */
export function missingEntries(manifest: PackageManifest, packed: ReadonlySet<string>): string[] {
  const missing: string[] = [];
  const need = (label: string, target: string, found: boolean): void => {
    if (!found) missing.push(`${label} -> ${target}`);
  };
  for (const { label, target } of exportTargets(manifest.exports, 'exports'))
    need(label, target, exported(target, packed));
  for (const [command, target] of Object.entries(binaries(manifest)))
    need(`bin["${command}"]`, target, packed.has(target));
  for (const field of ['types', 'typings', 'module'] as const) {
    const target = manifest[field];
    if (typeof target === 'string') need(field, target, resolves(target, packed));
  }
  const { main } = manifest;
  if (typeof main === 'string' && main !== '') need('main', main, resolves(main, packed));
  return missing;
}

/** `bin` as npm reads it: command -> path inside the package. */
export function binaries(manifest: PackageManifest): Record<string, string> {
  const { bin, name } = manifest;
  const named = typeof bin === 'string' ? { [name.slice(name.indexOf('/') + 1)]: bin } : (bin ?? {});
  return Object.fromEntries(
    Object.entries(named as Record<string, unknown>).map(([command, path]) => [
      command,
      inside(String(path)),
    ]),
  );
}

/** A path of package.json as it is called in the tarball: without `./`, forward slashes. */
export function inside(path: string): string {
  return posix.normalize(path.replaceAll('\\', '/')).replace(/^\/+/, '').replace(/\/+$/, '');
}

function exportTargets(value: unknown, label: string): { label: string; target: string }[] {
  if (typeof value === 'string') return [{ label, target: value }];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    exportTargets(inner, Array.isArray(value) ? label : `${label}["${key}"]`),
  );
}

/** A target of `exports` is exact; a pattern must match at least one file. */
function exported(target: string, packed: ReadonlySet<string>): boolean {
  if (!target.startsWith('./')) return false;
  const path = target.slice(2);
  if (path.endsWith('/')) return [...packed].some((file) => file.startsWith(path));
  const [before = '', ...after] = path.split('*');
  if (after.length === 0) return packed.has(path);
  const end = after.at(-1) ?? '';
  return [...packed].some(
    (file) => file.length > before.length + end.length && file.startsWith(before) && file.endsWith(end),
  );
}

/** `main` and its like may leave out the extension, or name a folder. */
function resolves(target: string, packed: ReadonlySet<string>): boolean {
  const path = inside(target);
  const endings = ['', '.js', '.cjs', '.json', '.node', '.d.ts'];
  const index = path === '.' || path === '' ? 'index' : `${path}/index`;
  return [...endings.map((end) => path + end), ...endings.map((end) => index + end)].some((file) =>
    packed.has(file),
  );
}
