import { join } from 'node:path';
import { lt } from 'semver';
import { errors } from '../foundation/index.ts';
import type { LedgerState } from '../ledger/types.ts';
import type { Stage } from '../pipeline/types.ts';
import type { PackageResult } from '../promotion/carry.ts';
import type { Context } from '../promotion/context.ts';
import { publish } from '../promotion/publish.ts';
import { checkVersions } from './agree.ts';
import { checkClean, commitRelease, releasedByHead, restoreTree } from './commit.ts';
import { updateLockFile } from './lockfile.ts';
import { openTool } from './tools.ts';
import type { Bump, Member, VersioningTool, Workspace } from './types.ts';
import { openWorkspace } from './workspace.ts';

export interface ReleaseOptions {
  dryRun?: boolean;
  /** Publish the versions as they stand in package.json; nothing is computed. */
  firstRelease?: boolean;
  preid?: string;
  /** Builds the artifacts of these projects into `dist/artifacts`. */
  build: (projects: string[]) => Promise<void>;
  signal?: AbortSignal;
  onResult?: (result: PackageResult) => void;
}
export interface ReleaseOutcome {
  /** What gets a new version, dependencies first; empty where nothing does, or where an interrupted release goes on. */
  bumps: Bump[];
  /** One for each package that is published now, or would be. */
  results: PackageResult[];
}

/**
 * Releases with the tool of the options: it says versions and notes and writes them, the pipeline does the rest - one commit, the
 * artifacts, the first stage, the proof, and then the tags. A release that was interrupted behind its commit goes on.
 */
export async function release(context: Context, options: ReleaseOptions): Promise<ReleaseOutcome> {
  const { preid, dryRun, firstRelease } = options;
  const workspace = await openWorkspace(context);
  const stage = (await context.stages())[0] as Stage;
  const state = await (await context.ledger()).refresh();
  if (!dryRun) await checkClean(context.repository);
  const tool = await openTool(context.options.versioning);
  const goesOn = firstRelease || (await isInterrupted(workspace, state, stage));
  const bumps = goesOn ? [] : await plan(context, workspace, tool, { state, stage, preid });
  if (dryRun) return { bumps, results: foretold(workspace, bumps, state, stage) };
  const after = bumps.length > 0 ? await carryOut(context, workspace, tool, { bumps, preid }) : workspace;
  const results = await publishOpen(context, after, { state, stage }, options);
  const proved = results.filter(({ success }) => success);
  const { remote } = context.options.ledger;
  await tool.tagged?.(after, proved, context.profile === 'live' ? remote : undefined);
  return { bumps, results };
}

interface Where {
  state: LedgerState;
  stage: Stage;
}

/** Whether the newest commit is a release of which a version did not get into the first stage. */
async function isInterrupted(
  { git, members }: Workspace,
  state: LedgerState,
  stage: Stage,
): Promise<boolean> {
  const released = await releasedByHead(git);
  return members.some(
    ({ project, name, version }) =>
      released.includes(`${project}@${version}`) && !state.entered(stage.name, name, version),
  );
}

async function plan(
  context: Context,
  workspace: Workspace,
  tool: VersioningTool,
  { state, stage, preid }: Where & { preid: string | undefined },
): Promise<Bump[]> {
  await checkVersions(workspace, state, stage.name);
  const bumps = await tool.plan(workspace, preid === undefined ? {} : { preid });
  for (const { project, name, from, to } of bumps) {
    if (!lt(to, from)) continue;
    const tag = workspace.tagOf(project, from);
    throw errors.VERSION_BACKWARDS({ tool: tool.name, name, from, to, tag });
  }
  const store = await context.store(stage);
  await Promise.all(
    bumps.map(async ({ name, to: version }) => {
      if (!(await store.look(name)).versions.has(version)) return;
      throw errors.VERSION_TAKEN({ name, version, stage: stage.name, tool: tool.name });
    }),
  );
  return bumps;
}

/** Writes and commits. What fails before the commit leaves the work tree as it was: it was clean. */
async function carryOut(
  context: Context,
  workspace: Workspace,
  tool: VersioningTool,
  { bumps, preid }: { bumps: Bump[]; preid: string | undefined },
): Promise<Workspace> {
  try {
    await tool.apply(workspace, bumps, preid === undefined ? {} : { preid });
    await updateLockFile(workspace);
    const after = await openWorkspace(context);
    checkWritten(after, bumps, tool.name);
    await commitRelease(workspace.git, bumps);
    return after;
  } catch (error) {
    await restoreTree(workspace.git);
    throw error;
  }
}

function checkWritten({ members }: Workspace, bumps: Bump[], tool: string): void {
  const written = new Map(members.map(({ name, version }) => [name, version]));
  for (const { name, to } of bumps) {
    const version = written.get(name);
    if (version === to) continue;
    const said = `it planned ${name} ${to} and wrote ${version}`;
    throw errors.VERSIONING_FAILED({ tool, said, command: 'npx sluice release --dry-run' });
  }
}

const openMembers = ({ members }: Workspace, state: LedgerState, stage: Stage): Member[] =>
  members.filter((one) => one.publishable && !state.entered(stage.name, one.name, one.version));

async function publishOpen(
  context: Context,
  workspace: Workspace,
  { state, stage }: Where,
  options: ReleaseOptions,
): Promise<PackageResult[]> {
  const open = openMembers(workspace, state, stage);
  const released = workspace.members.filter((member) => member.publishable && !open.includes(member));
  await options.build(open.map(({ project }) => project));
  const { results } = await publish(context, {
    requests: open.map(({ project, root }) => ({
      project,
      root,
      artifact: join(workspace.root, 'dist/artifacts', project),
    })),
    released,
    gitTag: true,
    ...(options.signal ? { signal: options.signal } : {}),
    ...(options.onResult ? { onResult: options.onResult } : {}),
  });
  return results;
}

/** What a dry run says of each package that would be published. */
function foretold(workspace: Workspace, bumps: Bump[], state: LedgerState, stage: Stage): PackageResult[] {
  const next = new Map(bumps.map(({ name, to }) => [name, to]));
  const open = new Set(openMembers(workspace, state, stage));
  return workspace.members.flatMap((member): PackageResult[] => {
    const { project, name } = member;
    const version = next.get(name) ?? (open.has(member) ? member.version : undefined);
    if (version === undefined || !member.publishable) return [];
    const line = `${name}@${version} would be built and published into ${stage.name}`;
    return [{ project, name, version, success: true, status: 'planned', reached: [], line }];
  });
}
