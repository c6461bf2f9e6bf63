import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import mapWorkspaces from '@npmcli/map-workspaces';
import { parse } from 'yaml';
import { SERVICE_FILE } from '../service/types.ts';

export interface WorkspaceProject {
  /** Absolute folder. */
  folder: string;
  project: string;
  name: string;
  pipeline: 'packages' | 'services';
  /** Names of what its manifest depends on. */
  needs: string[];
}

/** Absolute folders of the workspace's projects, as npm and yarn (`workspaces`) or pnpm (a file of its own) name them. */
export async function workspaceFolders(workspaceRoot: string): Promise<string[]> {
  const { workspaces = await pnpmGlobs(workspaceRoot) } =
    (await json(join(workspaceRoot, 'package.json'))) ?? {};
  return [...(await mapWorkspaces({ cwd: workspaceRoot, pkg: { workspaces } })).values()];
}

async function pnpmGlobs(root: string): Promise<string[]> {
  const text = await readFile(join(root, 'pnpm-workspace.yaml'), 'utf8').catch(() => '');
  return (parse(text) as { packages?: string[] } | null)?.packages ?? [];
}

/** Packages and services of the workspace, published before or not. */
export async function workspaceProjects(workspaceRoot: string): Promise<WorkspaceProject[]> {
  const folders = await workspaceFolders(workspaceRoot);
  const found = await Promise.all(
    folders.map(async (folder): Promise<WorkspaceProject[]> => {
      const [manifest, project] = await Promise.all([
        json(join(folder, 'package.json')),
        json(join(folder, 'project.json')),
      ]);
      const pipeline = existsSync(join(folder, SERVICE_FILE)) ? 'services' : 'packages';
      if (!manifest?.name) return [];
      if (pipeline === 'packages' && (!manifest.version || manifest.private)) return [];
      const { name, nx } = manifest;
      const needs = new Set(DEPENDENCIES.flatMap((kind) => Object.keys(manifest[kind] ?? {})));
      return [{ name, project: project?.name ?? nx?.name ?? name, pipeline, folder, needs: [...needs] }];
    }),
  );
  return found.flat();
}

const DEPENDENCIES = ['dependencies', 'devDependencies', 'peerDependencies', 'optionalDependencies'] as const;
interface Manifest extends Partial<Record<(typeof DEPENDENCIES)[number], Record<string, string>>> {
  name?: string;
  version?: string;
  private?: boolean;
  workspaces?: unknown;
  nx?: { name?: string };
}

async function json(file: string): Promise<Manifest | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Manifest;
  } catch {
    return undefined;
  }
}
