import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import mapWorkspaces from '@npmcli/map-workspaces';
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

/** Packages and services of the workspaces that package.json names, published before or not. */
export async function workspaceProjects(workspaceRoot: string): Promise<WorkspaceProject[]> {
  const root = await json(join(workspaceRoot, 'package.json'));
  if (!root?.workspaces) return [];
  const folders = await mapWorkspaces({ cwd: workspaceRoot, pkg: root });
  const found = await Promise.all(
    [...folders.values()].map(async (folder): Promise<WorkspaceProject[]> => {
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
