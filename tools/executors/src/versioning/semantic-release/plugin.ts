import { asSluiceError, errors, redact } from '../../foundation/index.ts';
import { openContext, type Context } from '../../promotion/context.ts';
import { checkVersions } from '../agree.ts';
import { checkClean } from '../commit.ts';
import { untitled } from '../notes.ts';
import { checkFree, commitOne, memberAt, promoteUpTo, publishOne } from '../one.ts';
import type { Member, Workspace } from '../types.ts';
import { workspaceRoot } from '../workspace-root.ts';
import { openWorkspace } from '../workspace.ts';
import { ownCommits, ownSteps, rangesMoved, type ReleaseContext, type ReleaseType } from './commits.ts';

/**
 * The plugin for `npx semantic-release` in the folder of a package. semantic-release makes its tag between `prepare` and `publish`, so
 * the first stage is reached and proved at the end of `prepare`; `publish` and `addChannel` then promote these bytes.
 * @see https://github.com/semantic-release/semantic-release/issues/896
 */

export interface PluginConfig {
  /** Channel (`latest` for the default one) -> stage up to which its releases are promoted. A channel with a stage's name means it. */
  channels?: Record<string, string>;
}
interface Opened {
  context: Context;
  workspace: Workspace;
  member: Member;
}

/** The workspace, the tag's form, a clean tree and the stages, before anything is written. */
export const verifyConditions = (config: PluginConfig, release: ReleaseContext): Promise<void> =>
  opened(release, async ({ context, workspace, member }) => {
    const wanted = workspace.tagOf(member.project, '${version}');
    const { tagFormat, dryRun } = release.options;
    if (tagFormat !== wanted) throw errors.TAG_FORMAT({ name: member.name, format: tagFormat, wanted });
    for (const stage of Object.values(config.channels ?? {})) await context.stage(stage, 'promote');
    if (dryRun) return;
    await checkClean(workspace.git);
    const [first] = await context.stages();
    await checkVersions(workspace, await (await context.ledger()).refresh(), first?.name ?? '');
  });

/** Only the package's own commits count; one whose dependency was released gets a patch, for its ranges moved. */
export const analyzeCommits = (config: PluginConfig, release: ReleaseContext): Promise<ReleaseType> =>
  opened(release, async ({ workspace: { git } }) => {
    const steps = await ownSteps();
    const type = await steps.analyzeCommits(config, { ...release, commits: await ownCommits(git, release) });
    return type ?? ((await rangesMoved(git, release)) ? 'patch' : null);
  });

export const generateNotes = (config: PluginConfig, release: ReleaseContext): Promise<string> =>
  opened(release, async ({ workspace: { git } }) => {
    const steps = await ownSteps();
    return steps.generateNotes(config, { ...release, commits: await ownCommits(git, release) });
  });

/** Version, ranges, changelog and lock file in one commit, which is pushed; then the artifact in the first stage, proved. */
export const prepare = (_: PluginConfig, release: ReleaseContext): Promise<void> =>
  opened(release, async ({ context, workspace, member }) => {
    const { project, name, root, version: from } = member;
    const { version: to, notes = '' } = release.nextRelease;
    const bump = { project, name, root, from, to, notes: untitled(notes, to) };
    await checkFree(context, workspace, bump);
    const subject = `chore(release): ${project}@${to} [skip ci]`;
    await commitOne(workspace, bump, { subject, env: release.env });
    const branch = `HEAD:refs/heads/${release.branch.name}`;
    await workspace.git.run(['push', '--quiet', release.options.repositoryUrl, branch], { env: release.env });
    release.logger.success(await publishOne(context, member, { gitTag: false }));
  });

/** A release on a channel is a promotion. A gate that is closed is no failure: the promotion waits for a person. */
export const publish = (config: PluginConfig, release: ReleaseContext) => promoted(config, release);

/** A release that gets another channel: the same bytes go on. */
export const addChannel = (config: PluginConfig, release: ReleaseContext) => promoted(config, release);

export const success = async (
  _: PluginConfig,
  { logger, nextRelease, releases = [] }: ReleaseContext & { releases?: { name?: string }[] },
): Promise<void> => {
  for (const { name } of releases) if (name) logger.success(`${nextRelease.gitTag}: ${name}`);
};

/** Says what stands, and how to go on. */
export const fail = async (
  _: PluginConfig,
  { logger, errors: faults }: ReleaseContext & { errors: { code?: string; details?: string }[] },
): Promise<void> => {
  for (const { code, details } of faults) if (details) logger.log(`${code ?? 'FAILED'}\n${details}`);
};

const promoted = (
  config: PluginConfig,
  release: ReleaseContext,
): Promise<{ name: string; channel: string | null }> =>
  opened(release, async ({ context, member }) => {
    const { version, channel } = release.nextRelease;
    const stages = (await context.stages()).map(({ name }) => name);
    const wanted = config.channels?.[channel ?? 'latest'] ?? channel ?? '';
    const target = stages.includes(wanted) ? wanted : (stages[0] ?? '');
    const { stage, waits } = await promoteUpTo(context, member, version, target);
    if (waits) release.logger.log(waits);
    return { name: `${member.name}@${version} in ${stage}`, channel };
  });

/** Opens the workspace around semantic-release's folder; what goes wrong is one of semantic-release's own kind of errors. */
async function opened<T>({ cwd, env }: ReleaseContext, work: (one: Opened) => Promise<T>): Promise<T> {
  let context: Context | undefined;
  try {
    context = await openContext({ workspaceRoot: workspaceRoot(cwd), env });
    const workspace = await openWorkspace(context);
    return await work({ context, workspace, member: memberAt(workspace, cwd) });
  } catch (thrown) {
    const { code, message, state, next } = asSluiceError(thrown);
    const error = new Error(redact(message));
    // semantic-release prints what it is thrown, down to the last cause: the two lines below help more.
    error.stack = error.message;
    throw Object.assign(error, {
      semanticRelease: true,
      code,
      details: redact(`  now:  ${state}\n  next: ${next}`),
    });
  } finally {
    await context?.close();
  }
}
