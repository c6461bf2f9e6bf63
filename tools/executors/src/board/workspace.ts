import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import mapWorkspaces from '@npmcli/map-workspaces';
import { SERVICE_FILE } from '../service/types.ts';
import type { KnownProject } from './model/board.ts';

interface Manifest {
  name?: string;
  version?: string;
  private?: boolean;
  workspaces?: unknown;
  nx?: { name?: string };
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

/** Packages and services of the workspace, with their folders and what their manifests name. */
export async function knownProjects(workspaceRoot: string): Promise<KnownProject[]> {
  const root = await manifestIn(workspaceRoot);
  if (!root?.workspaces) return [];
  const folders = await mapWorkspaces({ cwd: workspaceRoot, pkg: root });
  const found = await Promise.all(
    [...folders.values()].map(async (folder): Promise<KnownProject[]> => {
      const [manifest, project] = await Promise.all([manifestIn(folder), manifestIn(folder, 'project.json')]);
      if (!manifest?.name) return [];
      const pipeline = existsSync(join(folder, SERVICE_FILE)) ? 'services' : 'packages';
      if (pipeline === 'packages' && (!manifest.version || manifest.private)) return [];
      const { name, nx, dependencies, devDependencies, peerDependencies, optionalDependencies } = manifest;
      const needs = Object.keys({
        ...devDependencies,
        ...peerDependencies,
        ...optionalDependencies,
        ...dependencies,
      });
      return [
        {
          name,
          project: project?.name ?? nx?.name ?? name,
          pipeline,
          root: relative(workspaceRoot, folder).split(sep).join('/'),
          needs,
        },
      ];
    }),
  );
  return found.flat();
}

async function manifestIn(folder: string, file = 'package.json'): Promise<Manifest | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, file), 'utf8')) as Manifest;
  } catch {
    return undefined;
  }
}
