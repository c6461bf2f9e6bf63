import { join } from 'node:path';
import { Writable } from 'node:stream';
import { prerelease } from 'semver';
import { errors } from '../../foundation/index.ts';
import { writeChangelog, writeManifests } from '../files.ts';
import { untitled } from '../notes.ts';
import { withDependents } from '../order.ts';
import type { Bump, Member, VersioningTool, Wish, Workspace } from '../types.ts';
import { ownCommits, ownSteps, type ReleaseContext, type ReleaseType } from './commits.ts';
import { analysisOptions, rootConfig, type RootConfig } from './config.ts';

/**
 * semantic-release, package by package in graph order: its core says the next version from tags, branch and commits. It runs dry here;
 * the same release by `npx semantic-release` goes through the plugin beside this file.
 */
export const semanticRelease: VersioningTool = {
  name: 'semantic-release',
  plan: async (workspace, wish) => {
    const config = await rootConfig(workspace.root);
    const bumps: Bump[] = [];
    for (const member of workspace.members.filter((one) => one.publishable)) {
      const bump = await next(workspace, member, config);
      if (bump) bumps.push(bump);
    }
    checkPreid(bumps, wish);
    const [id] = prerelease(bumps[0]?.to ?? '') ?? [];
    const all = withDependents(workspace.members, bumps, id === undefined ? undefined : String(id));
    return all;
  },
  apply: async (workspace, bumps) => {
    await writeManifests(workspace, bumps);
    for (const bump of bumps) await writeChangelog(workspace.root, bump);
  },
  tagged: async ({ git, tagOf }, released, remote) => {
    const refs: string[] = [];
    for (const { project, version } of released) {
      const tag = tagOf(project, version);
      const [channel] = prerelease(version) ?? [];
      const note = JSON.stringify({ channels: [channel === undefined ? null : String(channel)] });
      // As its core does it: without the note it takes a prerelease for none of the branch's channel. It reads the commit's, not the tag's.
      await git.run([
        'notes',
        '--ref',
        `semantic-release-${tag}`,
        'add',
        '-f',
        '-m',
        note,
        `${tag}^{commit}`,
      ]);
      refs.push(`refs/notes/semantic-release-${tag}`);
    }
    if (remote && refs.length > 0) await git.run(['push', '--quiet', '--force', remote, ...refs]);
  },
};

async function next(
  { git, root, env, tagOf }: Workspace,
  member: Member,
  config: RootConfig,
): Promise<Bump | undefined> {
  const [{ default: core }, steps] = await Promise.all([import('semantic-release'), ownSteps()]);
  const options = analysisOptions(config);
  let reached = false;
  let said = '';
  const sink = new Writable({
    write: (chunk, _, done) => {
      said += String(chunk);
      done();
    },
  });
  const analyzeCommits = async (_: object, context: ReleaseContext): Promise<ReleaseType> => {
    reached = true;
    return steps.analyzeCommits(options, { ...context, commits: await ownCommits(git, context) });
  };
  const generateNotes = async (_: object, context: ReleaseContext): Promise<string> =>
    steps.generateNotes(options, { ...context, commits: await ownCommits(git, context) });
  const given = {
    ...(config.branches ? { branches: config.branches } : {}),
    ...(config.repositoryUrl ? { repositoryUrl: config.repositoryUrl } : {}),
    tagFormat: tagOf(member.project, '${version}'),
    dryRun: true,
    ci: false,
    plugins: [],
    analyzeCommits,
    generateNotes,
  };
  const result = await core(given as never, {
    cwd: join(root, member.root),
    env: { ...env } as Record<string, string>,
    stdout: sink as never,
    stderr: sink as never,
  }).catch((cause: unknown) => {
    throw failed(messageOf(cause), cause);
  });
  if (!reached) throw failed(said.trim().split('\n').at(-1) ?? 'it does not release from this branch');
  // Without one where it only gives an older release another channel.
  const release = (result || {}) as { nextRelease?: { version: string; notes?: string } };
  if (!release.nextRelease) return undefined;
  const { project, name, root: folder, version: from } = member;
  const { version: to, notes = '' } = release.nextRelease;
  return { project, name, root: folder, from, to, notes: untitled(notes, to) };
}

/** Core throws several faults at once, or one. */
function messageOf(error: unknown): string {
  const { errors: several } = error as { errors?: Iterable<Error> };
  return several ? [...several].map(({ message }) => message).join('; ') : (error as Error).message;
}

const failed = (said: string, cause?: unknown) =>
  errors.VERSIONING_FAILED(
    {
      tool: 'semantic-release',
      said,
      command: 'npx semantic-release --dry-run --no-ci (in the folder of a package)',
    },
    { cause },
  );

/** semantic-release makes prereleases on branches that are for them, and nowhere else. */
function checkPreid(bumps: Bump[], { preid }: Wish): void {
  if (preid === undefined) return;
  if (bumps.every(({ to }) => prerelease(to)?.[0] === preid)) return;
  throw errors.PRERELEASE_ELSEWHERE({
    tool: 'semantic-release',
    preid,
    why: 'its branch decides over that, and this one is not a prerelease branch of that name',
    next: `git switch -c ${preid} && git push -u origin ${preid} (with {"name": "${preid}", "prerelease": true} among "branches")`,
  });
}
