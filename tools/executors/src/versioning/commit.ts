import { errors } from '../foundation/index.ts';
import type { Repository } from '../git/index.ts';
import type { Bump } from './types.ts';

/** Marks a commit as a release, for whoever goes on with it. */
const TRAILER = 'Sluice-Release';

/** A release commits all that it finds changed, so nothing may be. @throws RELEASE_DIRTY */
export async function checkClean(git: Repository): Promise<void> {
  const status = await git.run(['status', '--porcelain', '-z', '--untracked-files=normal']);
  const files = status.split('\0').filter(Boolean);
  if (files.length > 0) throw errors.RELEASE_DIRTY({ files: files.map((line) => line.slice(3)) });
}

/** Commits all that a tool wrote, which is all that differs: the tree was clean before. */
export async function commitRelease(
  git: Repository,
  bumps: Pick<Bump, 'project' | 'to'>[],
  subject = 'chore(release): publish',
  env: NodeJS.ProcessEnv = {},
): Promise<void> {
  const lines = bumps.map(({ project, to }) => `- ${project} ${to}`);
  const trailers = bumps.map(({ project, to }) => `${TRAILER}: ${project}@${to}`);
  const message = [subject, lines.join('\n'), trailers.join('\n')].join('\n\n');
  await git.run(['add', '--all', '--', git.root]);
  await git.run(['commit', '--quiet', '--message', message], { env });
}

/** `project@version` of all that the newest commit releases; empty where it is no release. */
export async function releasedByHead(git: Repository): Promise<string[]> {
  const format = `--format=%(trailers:key=${TRAILER},valueonly)`;
  return (await git.run(['log', '-1', format])).split('\n').filter(Boolean);
}

/** Takes back what a failed release wrote into a tree that was clean. Into the stash, in case that somebody else wrote there too. */
export async function restoreTree(git: Repository): Promise<void> {
  const message = 'what a release wrote that failed before its commit';
  await git.run(['stash', 'push', '--quiet', '--include-untracked', '--message', message]);
}
