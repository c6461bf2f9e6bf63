import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import mapWorkspaces from '@npmcli/map-workspaces';

/** Publishable packages of the workspaces that package.json names, published before or not; for `status` alone. */
export async function workspacePackages(workspaceRoot: string): Promise<{ project: string; name: string }[]> {
  const root = await json(join(workspaceRoot, 'package.json'));
  if (!root?.workspaces) return [];
  const folders = await mapWorkspaces({ cwd: workspaceRoot, pkg: root });
  const found = await Promise.all(
    [...folders.values()].map(async (folder) => {
      const [manifest, project] = await Promise.all([
        json(join(folder, 'package.json')),
        json(join(folder, 'project.json')),
      ]);
      if (!manifest?.name || !manifest.version || manifest.private) return [];
      return [{ name: manifest.name, project: project?.name ?? manifest.nx?.name ?? manifest.name }];
    }),
  );
  return found.flat();
}

interface Manifest {
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
