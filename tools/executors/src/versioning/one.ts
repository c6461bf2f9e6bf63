import { join } from 'node:path';
import { errors, EXIT } from '../foundation/index.ts';
import type { Stage } from '../pipeline/types.ts';
import type { Context } from '../promotion/context.ts';
import { promote } from '../promotion/promote.ts';
import { publish } from '../promotion/publish.ts';
import { buildAfresh } from './build.ts';
import { commitRelease, releasedByHead, restoreTree } from './commit.ts';
import { writeChangelog, writeManifests } from './files.ts';
import { updateLockFile } from './lockfile.ts';
import type { Bump, Member, Workspace } from './types.ts';

/** For tools that release one package at a time, with a command of their own. */

/** The member in a folder, or above it. @throws PACKAGE_UNKNOWN */
export function memberAt({ root, members }: Workspace, folder: string): Member {
  const found = members.find((member) => {
    const own = join(root, member.root);
    return folder === own || folder.startsWith(`${own}/`);
  });
  if (found?.publishable) return found;
  const known = members.filter((member) => member.publishable).map(({ name }) => name);
  throw errors.NOT_IN_A_PACKAGE({ folder, known });
}

/** Writes and commits one package's version; nothing where the newest commit has done that. What fails leaves the tree as it was. */
export async function commitOne(
  workspace: Workspace,
  bump: Bump,
  options: { subject?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<void> {
  const { git } = workspace;
  const released = await releasedByHead(git);
  if (released.includes(`${bump.project}@${bump.to}`)) return;
  try {
    await writeManifests(workspace, [bump]);
    await updateLockFile(workspace);
    await writeChangelog(workspace.root, bump);
    await commitRelease(git, [bump], options.subject, options.env);
  } catch (error) {
    await restoreTree(git);
    throw error;
  }
}

/** Refuses a version that is in the first stage already, unless the newest commit is its release, which then goes on. */
export async function checkFree(
  context: Context,
  { git }: Workspace,
  { project, name, to: version }: Pick<Bump, 'project' | 'name' | 'to'>,
): Promise<void> {
  if ((await releasedByHead(git)).includes(`${project}@${version}`)) return;
  const stage = (await context.stages())[0] as Stage;
  if (!(await (await context.store(stage)).look(name)).versions.has(version)) return;
  throw errors.VERSION_TAKEN({ name, version, stage: stage.name, tool: context.options.versioning });
}

/** Builds the package as it is committed, puts it into the first stage and proves it. Throws what went wrong. */
export async function publishOne(
  context: Context,
  { project, root }: Member,
  options: { gitTag: boolean },
): Promise<string> {
  await buildAfresh(context.workspaceRoot, context.options.targets.build, [project]);
  const artifact = join(context.workspaceRoot, 'dist/artifacts', project);
  const { results } = await publish(context, { requests: [{ project, root, artifact }], ...options });
  const [result] = results;
  if (result?.error) throw result.error;
  return result?.line ?? '';
}

/**
 * Takes a release commit back where its version is certainly not in the first stage. Where it is, or nobody can tell, the commit
 * stands, and the release goes on from it.
 */
export async function undoUnpublished(
  context: Context,
  { git }: Workspace,
  { project, name, to }: Bump,
): Promise<void> {
  const stage = (await context.stages())[0] as Stage;
  const presence = await (await context.store(stage)).look(name).catch(() => undefined);
  if (!presence || presence.versions.has(to)) return;
  if ((await releasedByHead(git)).includes(`${project}@${to}`))
    await git.run(['reset', '--quiet', '--keep', 'HEAD~1']);
}

/**
 * Promotes a version through all stages up to one, the same bytes in each.
 * @returns the stage that it reached, and what the gate of the next one waits for
 */
export async function promoteUpTo(
  context: Context,
  { project, name }: Member,
  version: string,
  target: string,
): Promise<{ stage: string; waits?: string }> {
  const stages = await context.stages();
  const last = stages.findIndex((stage) => stage.name === target);
  let reached = (stages[0] as Stage).name;
  for (const { name: stage } of stages.slice(1, last + 1)) {
    const { results } = await promote(context, { stage, requests: [{ project, name, version }] });
    const error = results[0]?.error;
    if (error?.exit === EXIT.gateClosed) return { stage: reached, waits: error.format() };
    if (error) throw error;
    reached = stage;
  }
  return { stage: reached };
}
