import { inc, type ReleaseType } from 'semver';
import type { Bump, Manifest, Member } from './types.ts';

/** Where package.json names other packages. */
export const FIELDS = [
  'dependencies',
  'devDependencies',
  'peerDependencies',
  'optionalDependencies',
] as const satisfies (keyof Manifest)[];
/** Those that reach who installs the package. */
const SHIPPED = ['dependencies', 'peerDependencies', 'optionalDependencies'] as const;

/** Members with their dependencies before them. Within a circle the order is as given: what is in it is refused elsewhere. */
export function inGraphOrder(members: Member[]): Member[] {
  const byName = new Map(members.map((member) => [member.name, member]));
  const ordered = new Set<Member>();
  const visited = new Set<Member>();
  const visit = (member: Member): void => {
    if (visited.has(member)) return;
    visited.add(member);
    for (const field of FIELDS)
      for (const name of Object.keys(member.manifest[field] ?? {})) {
        const sibling = byName.get(name);
        if (sibling) visit(sibling);
      }
    ordered.add(member);
  };
  for (const member of members) visit(member);
  return [...ordered];
}

/**
 * Adds a release for each package that ships a dependency on one that is released: its range changes, so its bytes do.
 * @param members in graph order
 */
export function withDependents(members: Member[], bumps: Bump[], preid?: string): Bump[] {
  const released = new Map(bumps.map((bump) => [bump.name, bump]));
  for (const member of members) {
    if (released.has(member.name) || !member.publishable) continue;
    const moved = SHIPPED.flatMap((field) =>
      Object.entries(member.manifest[field] ?? {}).flatMap(([name, range]) => {
        const bump = released.get(name);
        return bump && rangeFor(range, bump.to) !== range ? [bump] : [];
      }),
    );
    if (moved.length === 0) continue;
    const to = nextVersion(member.version, 'patch', preid);
    const notes = `### Dependencies\n\n${moved.map(({ name, to: version }) => `- ${name} ${version}`).join('\n')}\n`;
    const { project, name, root, version: from } = member;
    released.set(name, { project, name, root, from, to, notes });
  }
  return members.flatMap(({ name }) => released.get(name) ?? []);
}

/** The next version; a prerelease goes on counting until it becomes the version that it announces. */
export function nextVersion(from: string, type: 'major' | 'minor' | 'patch', preid?: string): string {
  const before = from.includes('-');
  const step: ReleaseType = preid ? (before ? 'prerelease' : `pre${type}`) : type;
  return (preid ? inc(from, step, preid) : inc(from, step)) ?? from;
}

/** The range that lets a new version in, in the style of the old one. What names no version (`*`, `workspace:^`, `file:`) stays. */
export function rangeFor(range: string, version: string): string {
  const match = /^(workspace:)?(\^|~|>=)?(\d+\.\d+\.\d+\S*)$/.exec(range);
  return match ? `${match[1] ?? ''}${match[2] ?? ''}${version}` : range;
}
