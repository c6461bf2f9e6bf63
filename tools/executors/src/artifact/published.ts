import { resolveDevRange, resolveRange } from './ranges.ts';
import type { Siblings } from './ranges.ts';
import type { PackageManifest } from './types.ts';

/** What pnpm takes from `publishConfig` over the field of the same name. */
const FROM_PUBLISH_CONFIG = [
  'bin',
  'browser',
  'cpu',
  'exports',
  'imports',
  'libc',
  'main',
  'module',
  'os',
  'type',
  'types',
  'typesVersions',
  'typings',
];
const PRODUCTION = ['dependencies', 'optionalDependencies', 'peerDependencies'] as const;

export interface PublishedManifest {
  manifest: PackageManifest;
  workspaceDependencies: Record<string, { version: string; range: string }>;
  /** Ranges that are not published as they stand in the source. */
  rewritten: { field: string; name: string; from: string; to: string }[];
}

/**
 * The package.json that goes into the tarball, but for the conditions that lead to sources (see `withoutSources`,
 * which has to know the files): real ranges, `publishConfig` applied, without what only this workspace understands.
 */
export function publishedManifest(source: PackageManifest, siblings: Siblings): PublishedManifest {
  const { nx: _nx, ...manifest } = source as PackageManifest & { nx?: unknown };
  const result: PublishedManifest = {
    manifest: applyPublishConfig(manifest),
    workspaceDependencies: {},
    rewritten: [],
  };
  for (const field of [...PRODUCTION, 'devDependencies'] as const) {
    const ranges = result.manifest[field] as Record<string, string> | undefined;
    if (!ranges || typeof ranges !== 'object') continue;
    const resolve = field === 'devDependencies' ? resolveDevRange : resolveRange;
    const entries = Object.entries(ranges).map(([name, from]): [string, string] => {
      const { spec: to, sibling } = resolve(source.name, name, from, siblings);
      if (sibling) {
        result.workspaceDependencies[sibling.name] ??= { version: sibling.version, range: sibling.range };
      }
      if (to !== from) result.rewritten.push({ field, name, from, to });
      return [name, to];
    });
    result.manifest[field] = Object.fromEntries(entries);
  }
  result.workspaceDependencies = sortedByKey(result.workspaceDependencies);
  return result;
}

/** Conditions that some runtime or bundler sets by itself; every other one is set by whoever knows the sources. */
const STANDARD = new Set(
  'import require module module-sync node node-addons default types browser production deno bun worker workerd edge-light react-native react-server style sass'.split(
    ' ',
  ),
);
const isSourceCondition = (key: string): boolean =>
  !STANDARD.has(key) && !key.startsWith('.') && !key.startsWith('#') && !key.startsWith('types@');

/**
 * Takes those conditions out of `exports` and `imports` by which a workspace reads its own sources (`development`, `source`,
 * `@acme/source`): where they lead to TypeScript or to files that are not in the tarball. One that leads to packed
 * JavaScript stays: it is there for the package's users.
 */
export function withoutSources(manifest: PackageManifest, packed: ReadonlySet<string>): PackageManifest {
  const useful = (target: unknown): boolean =>
    targets(target).every(
      (path) => packed.has(path.replace(/^\.\//, '')) && !/(?<!\.d)\.[cm]?tsx?$/.test(path),
    );
  const clean = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(clean).filter((item) => item !== undefined);
    if (typeof value !== 'object' || value === null) return value;
    const kept = Object.entries(value)
      .filter(([key, target]) => !isSourceCondition(key) || useful(target))
      .map(([key, target]): [string, unknown] => [key, clean(target)])
      .filter(([, target]) => target !== undefined);
    return kept.length > 0 || Object.keys(value).length === 0 ? Object.fromEntries(kept) : undefined;
  };
  const result = { ...manifest };
  for (const field of ['exports', 'imports']) {
    if (!(field in result)) continue;
    const cleaned = clean(result[field]);
    if (cleaned === undefined) delete result[field];
    else result[field] = cleaned;
  }
  return result;
}

/** Every path that a value of `exports` can lead to. */
export function targets(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(targets);
}

function applyPublishConfig(manifest: PackageManifest): PackageManifest {
  const config = manifest['publishConfig'];
  if (typeof config !== 'object' || config === null) return { ...manifest };
  const rest: Record<string, unknown> = { ...config };
  const result = { ...manifest };
  for (const field of FROM_PUBLISH_CONFIG) {
    if (!(field in rest)) continue;
    result[field] = rest[field];
    delete rest[field];
  }
  if (Object.keys(rest).length > 0) result['publishConfig'] = rest;
  else delete result['publishConfig'];
  return result;
}

function sortedByKey<T>(record: Record<string, T>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}
