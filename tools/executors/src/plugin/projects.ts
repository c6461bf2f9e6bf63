import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { parse } from 'jsonc-parser';
import { Minimatch } from 'minimatch';
import { API_FILE } from '../api/file.ts';
import { SERVICE_FILE } from '../service/types.ts';

export interface FoundProjects {
  /** Packages that can be published: a name, a version, not private, known to Nx as a project. */
  packages: { file: string; root: string; hasApi: boolean }[];
  /** Projects with a sluice.json, whose content comes along; they are no packages. */
  services: { file: string; root: string; config: unknown }[];
  /** The workspace's own package.json. */
  root?: { file: string; name: string };
}

/**
 * Which of these files stand for a project of ours: package.json, or sluice.json beside one. Nx makes a project of every folder that a plugin
 * names, so a package.json in a fixture or a template must be left alone: the same rule as Nx's own holds
 * (in the package manager's workspaces, or beside a project.json).
 */
export async function findProjects(files: readonly string[], workspaceRoot: string): Promise<FoundProjects> {
  const read = (file: string) => JSON.parse(readFileSync(join(workspaceRoot, file), 'utf8')) as Manifest;
  const isMember = await membership(workspaceRoot, read);
  const found: FoundProjects = { packages: [], services: [] };
  const configured = new Set(files.filter((file) => basename(file) === SERVICE_FILE).map(dirname));
  for (const file of files) {
    const root = dirname(file);
    if (basename(file) !== 'package.json') continue;
    if (file === 'package.json') {
      found.root = { file, name: rootName(read(file)) };
    } else if (isMember(file) || existsSync(join(workspaceRoot, root, 'project.json'))) {
      if (configured.has(root)) {
        const config: unknown = parse(readFileSync(join(workspaceRoot, root, SERVICE_FILE), 'utf8'));
        found.services.push({ file, root, config });
      } else if (isPublishable(read(file))) {
        found.packages.push({ file, root, hasApi: existsSync(join(workspaceRoot, root, API_FILE)) });
      }
    }
  }
  return found;
}

interface Manifest {
  name?: unknown;
  version?: unknown;
  private?: unknown;
  workspaces?: string[] | { packages?: string[] };
  nx?: { name?: unknown };
}

export function isPublishable(manifest: Manifest): boolean {
  return (
    manifest.private !== true && typeof manifest.name === 'string' && typeof manifest.version === 'string'
  );
}

type Member = (file: string) => boolean;

/** Nx's own matcher costs a quarter of a second to load, so it is used only where the list is not in package.json. */
async function membership(workspaceRoot: string, read: (file: string) => Manifest): Promise<Member> {
  const elsewhere = ['pnpm-workspace.yaml', 'lerna.json'].some((f) => existsSync(join(workspaceRoot, f)));
  if (elsewhere || !existsSync(join(workspaceRoot, 'package.json'))) {
    const nx = await import('@nx/devkit/internal');
    return nx.buildPackageJsonWorkspacesMatcher(nx.buildPackageJsonPatterns(workspaceRoot, read as never));
  }
  const { workspaces } = read('package.json');
  return workspaceMember(Array.isArray(workspaces) ? workspaces : (workspaces?.packages ?? []));
}

/** Whether a package.json belongs to the `workspaces` globs, of which those with a leading `!` take away. */
export function workspaceMember(globs: readonly string[]): Member {
  const matchers = (negated: boolean) =>
    globs
      .filter((glob) => glob.startsWith('!') === negated)
      .map(
        (glob) =>
          new Minimatch(`${glob.replace(/^!/, '').replace(/^\.\//, '').replace(/\/$/, '')}/package.json`),
      );
  const included = matchers(false);
  const excluded = matchers(true);
  return (file) => included.some((m) => m.match(file)) && !excluded.some((m) => m.match(file));
}

function rootName(manifest: Manifest): string {
  const name = manifest.nx?.name ?? manifest.name;
  return typeof name === 'string' && name !== '' ? name : 'workspace';
}
