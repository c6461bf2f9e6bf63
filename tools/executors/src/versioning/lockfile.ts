import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errors } from '../foundation/index.ts';
import { execute } from '../git/index.ts';
import { FIELDS } from './order.ts';
import { openWorkspace } from './workspace.ts';
import type { Manifest, Workspace } from './types.ts';

/** Clients whose lock file only they can write, and how without installing anything. */
const CLIENTS: { file: string; command: string; args: string[] }[] = [
  { file: 'pnpm-lock.yaml', command: 'pnpm', args: ['install', '--lockfile-only', '--ignore-scripts'] },
  { file: 'yarn.lock', command: 'yarn', args: ['install', '--mode=update-lockfile'] },
];

/** Brings the lock file in step with the versions and ranges in the package.json files. */
export async function updateLockFile(workspace: Workspace): Promise<void> {
  const { root, env, git } = workspace;
  const { members } = await openWorkspace({ workspaceRoot: root, env, repository: git });
  const npm = join(root, 'package-lock.json');
  if (existsSync(npm)) {
    const before = await readFile(npm, 'utf8');
    const after = npmLock(before, new Map(members.map(({ root: folder, manifest }) => [folder, manifest])));
    if (after !== before) await writeFile(npm, after);
    return;
  }
  const client = CLIENTS.find(({ file }) => existsSync(join(root, file)));
  if (!client || (client.command === 'yarn' && (await isClassic(root)))) return;
  const said = await refusalOf(client, root, env);
  if (said === undefined) return;
  throw errors.LOCK_FILE_STALE({
    file: client.file,
    command: [client.command, ...client.args].join(' '),
    said,
  });
}

/** The first yarn keeps nothing of the workspace's own packages in its lock file. */
const isClassic = async (root: string): Promise<boolean> =>
  (await readFile(join(root, 'yarn.lock'), 'utf8')).includes('# yarn lockfile v1');

/** What the client said where it failed; undefined where it did not. */
async function refusalOf(
  { command, args }: (typeof CLIENTS)[number],
  cwd: string,
  env: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  try {
    const { code, stderr, stdout } = await execute(command, args, { cwd, env });
    if (code === 0) return undefined;
    return (stderr || stdout.toString('utf8')).trim().split('\n').at(-1) ?? `exit code ${code}`;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return `${command} is not installed here`;
    throw error;
  }
}

/**
 * npm's lock file with the versions and ranges of the workspace's own packages; nothing else in it is looked at, so that a
 * release never moves anybody else's version. Pure.
 */
export function npmLock(text: string, manifests: Map<string, Manifest>): string {
  const lock = JSON.parse(text) as { packages?: Record<string, Manifest> };
  for (const [folder, manifest] of manifests) {
    const entry = lock.packages?.[folder];
    if (!entry) continue;
    if (manifest.version !== undefined) entry.version = manifest.version;
    for (const field of FIELDS)
      for (const [name, range] of Object.entries(manifest[field] ?? {})) {
        const ranges = entry[field];
        if (ranges && name in ranges) ranges[name] = range;
      }
  }
  const indent = /^[ \t]+/m.exec(text)?.[0] ?? '  ';
  return `${JSON.stringify(lock, undefined, indent)}${text.endsWith('\n') ? '\n' : ''}`;
}
