import semver from 'semver';
import { errors } from '../foundation/index.ts';

/** A package of the same workspace, as far as its dependents need to know it. */
export interface Sibling {
  /** Undefined where its package.json has none: such a package can only be a development dependency. */
  version?: string;
  /** Folder, relative to the workspace. */
  root: string;
  private?: boolean;
}
export type Siblings = ReadonlyMap<string, Sibling>;

/** What one line of `dependencies` becomes in the tarball. */
export interface ResolvedRange {
  /** What is written. */
  spec: string;
  /** Set where the dependency is a package of this workspace: its name and the range (`spec` may be an alias). */
  sibling?: { name: string; version: string; range: string };
}

/**
 * The range that is published for a dependency, by pnpm's rules for `workspace:`. `*`, an empty range, `file:` and
 * `link:` say nothing that a registry understands: they become a caret range on the version here.
 * Throws where what would be published cannot be installed.
 */
export function resolveRange(owner: string, name: string, spec: string, siblings: Siblings): ResolvedRange {
  const { target, range } = parse(name, spec, siblings);
  const sibling = siblings.get(target);
  if (!sibling) {
    if (isLocal(spec)) throw errors.DEPENDENCY_LOCAL({ owner, name, spec });
    return { spec };
  }
  if (range === undefined) return { spec };
  const { version } = sibling;
  if (sibling.private === true || version === undefined || semver.valid(version) === null) {
    throw errors.DEPENDENCY_UNPUBLISHED({ owner, name: target, root: sibling.root });
  }
  const real = concrete(range, version);
  if (semver.validRange(real) === null || !semver.satisfies(version, real)) {
    throw errors.SIBLING_RANGE_UNSATISFIED({ owner, name: target, range: spec, version });
  }
  return {
    spec: target === name ? real : `npm:${target}@${real}`,
    sibling: { name: target, version, range: real },
  };
}

/** For development dependencies: rewritten where possible, else left as they are (nobody installs them). */
export function resolveDevRange(
  owner: string,
  name: string,
  spec: string,
  siblings: Siblings,
): ResolvedRange {
  try {
    return { spec: resolveRange(owner, name, spec, siblings).spec };
  } catch {
    return { spec };
  }
}

const isLocal = (spec: string): boolean => /^(workspace:|file:|link:|portal:|\.{1,2}\/)/.test(spec.trim());

/** The package meant, and the range; no range where the spec names a place outside (a git or http address). */
function parse(name: string, spec: string, siblings: Siblings): { target: string; range?: string } {
  const workspace = spec.startsWith('workspace:');
  const body = spec.trim().replace(/^(?:workspace|npm):/, '');
  // `workspace:*` and a folder in `workspace:` mean the very version; `*` alone means any.
  const ranged = (range: string): string => (workspace && (range === '*' || range === '') ? '=' : range);
  if (/^(?:(?:file|link|portal):|\.{1,2}\/)/.test(body)) {
    const folder = body.replace(/^\w+:/, '').replace(/\/+$/, '');
    const found = siblings.has(name) ? name : byFolder(folder, siblings);
    return { target: found ?? name, range: ranged('') };
  }
  const [, target, range] = (body !== spec.trim() && /^((?:@[^/@]+\/)?[^/@]+)@(.*)$/.exec(body)) || [];
  if (target !== undefined && range !== undefined) return { target, range: ranged(range) };
  if (/^[\w+.-]+:|\//.test(body)) return { target: name };
  return { target: name, range: ranged(body) };
}

/** A dependency under another name than the package's own: its folder is all there is to know it by. */
function byFolder(folder: string, siblings: Siblings): string | undefined {
  const end = folder.replace(/^(?:\.{1,2}\/)+/, '');
  const found = [...siblings].filter(([, { root }]) => root === end || root.endsWith(`/${end}`));
  return found.length === 1 ? found[0]?.[0] : undefined;
}

function concrete(range: string, version: string): string {
  if (range === '=') return version;
  if (range === '' || range === '*' || range === '^') return `^${version}`;
  if (range === '~') return `~${version}`;
  return range;
}
