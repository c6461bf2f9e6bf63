import { realpathSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, posix, relative, sep } from 'node:path';
import type { Repository } from '../git/index.ts';
import { releaseTags } from '../promotion/release-tag.ts';
import { workspaceFolders } from '../promotion/workspace-packages.ts';
import { inGraphOrder } from './order.ts';
import type { Manifest, Member, Workspace } from './types.ts';

/** The packages of the workspace (npm's and yarn's `workspaces`, pnpm's own list), dependencies first. */
export async function openWorkspace(given: {
  workspaceRoot: string;
  env: NodeJS.ProcessEnv;
  repository: Repository;
}): Promise<Workspace> {
  const { workspaceRoot: root, env, repository: git } = given;
  const prefix = relative(git.root, realpathSync(root)).split(sep).join('/');
  const folders = await workspaceFolders(root);
  const found = await Promise.all(folders.map((folder) => readMember(root, folder)));
  return {
    root,
    env,
    git,
    inGit: (path) => posix.join(prefix, path),
    members: inGraphOrder(found.filter((member) => member !== undefined)),
    tagOf: await releaseTags(root),
  };
}

async function readMember(root: string, folder: string): Promise<Member | undefined> {
  const [manifest, project] = await Promise.all([
    json(join(folder, 'package.json')),
    json(join(folder, 'project.json')),
  ]);
  if (!manifest?.name || !manifest.version) return undefined;
  return {
    project: project?.name ?? manifest.nx?.name ?? manifest.name,
    name: manifest.name,
    root: relative(root, folder).split(sep).join('/'),
    version: manifest.version,
    publishable: manifest.private !== true,
    manifest,
  };
}

async function json(file: string): Promise<Manifest | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as Manifest);
}
