import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buildPackageJsonPatterns, buildPackageJsonWorkspacesMatcher } from '@nx/devkit/internal';

export interface FoundProjects {
  /** Packages that can be published: a name, a version, not private, known to Nx as a project. */
  packages: { file: string; root: string }[];
  /** The workspace's own package.json. */
  root?: { file: string; name: string };
}

/**
 * Which of these package.json files stand for a project of ours. Nx makes a project of every folder that a plugin
 * names, so a package.json in a fixture or a template must be left alone: the same rule as Nx's own holds
 * (in the package manager's workspaces, or beside a project.json).
 */
export function findProjects(files: readonly string[], workspaceRoot: string): FoundProjects {
  const read = (file: string) => JSON.parse(readFileSync(join(workspaceRoot, file), 'utf8'));
  const isMember = buildPackageJsonWorkspacesMatcher(buildPackageJsonPatterns(workspaceRoot, read));
  const found: FoundProjects = { packages: [] };
  for (const file of files) {
    if (file === 'package.json') {
      found.root = { file, name: rootName(read(file)) };
    } else if (isMember(file) || existsSync(join(workspaceRoot, dirname(file), 'project.json'))) {
      if (isPublishable(read(file))) found.packages.push({ file, root: dirname(file) });
    }
  }
  return found;
}

interface Manifest {
  name?: unknown;
  version?: unknown;
  private?: unknown;
  nx?: { name?: unknown };
}

export function isPublishable(manifest: Manifest): boolean {
  return (
    manifest.private !== true && typeof manifest.name === 'string' && typeof manifest.version === 'string'
  );
}

function rootName(manifest: Manifest): string {
  const name = manifest.nx?.name ?? manifest.name;
  return typeof name === 'string' && name !== '' ? name : 'workspace';
}
