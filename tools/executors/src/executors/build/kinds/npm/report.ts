import { bytes } from '../../../../foundation/index.ts';
import type { ArtifactManifest, PackPlan } from '../../../../artifact/index.ts';

/** One line: what was built, and how it is known from now on. */
export function reportArtifact(artifact: ArtifactManifest, plan: PackPlan): string {
  const { name, version, files, size, integrity } = artifact;
  return `${name}@${version}  ${count(files.length, 'file')}  ${bytes(size)}  ${integrity}\n${left(plan)}`;
}

/** What a build would pack, and what would stand in its package.json instead of what stands there now. */
export function reportPlan(plan: PackPlan): string {
  const { manifest, files, rewritten } = plan;
  const total = files.reduce((sum, { size }) => sum + size, 0);
  const width = Math.max(...files.map(({ size }) => bytes(size).length));
  return [
    `${manifest.name}@${manifest.version}  would be packed as ${plan.tarball}: ${count(files.length, 'file')}, ${bytes(total)} unpacked`,
    ...files.map(
      ({ path, size, mode }) =>
        `  ${bytes(size).padStart(width)}  ${path}${mode === 0o755 ? ' (command)' : ''}`,
    ),
    ...rewritten.map(({ field, name, from, to }) => `  ${field}: ${name} "${from}" -> "${to}"`),
    left(plan),
  ].join('\n');
}

/** The plan as data, without contents. */
export function planAsJson(plan: PackPlan): Record<string, unknown> {
  const { manifest, files, rewritten, symlinks, tarball, workspaceDependencies } = plan;
  return {
    schemaVersion: 1,
    name: manifest.name,
    version: manifest.version,
    tarball,
    files: files.map(({ path, size, mode }) => ({ path, size, mode })),
    rewritten,
    symlinks,
    workspaceDependencies,
  };
}

function left({ symlinks }: PackPlan): string {
  return symlinks.map((path) => `  left out, as npm does: ${path} is a symbolic link\n`).join('');
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
