import { gt, rcompare, valid } from 'semver';
import { errors } from '../foundation/index.ts';
import type { LedgerState } from '../ledger/types.ts';
import type { Workspace } from './types.ts';

/**
 * Tags, the first stage and package.json have to agree on where the count stands: a tool that counts from one that lags behind
 * would make a version anew. Ahead of them package.json may be: that version is about to be published.
 * @throws VERSIONS_DISAGREE
 */
export async function checkVersions(workspace: Workspace, state: LedgerState, stage: string): Promise<void> {
  const tags = await tagsOfHead(workspace);
  for (const { project, name, version, publishable } of workspace.members) {
    // A snapshot is of its own count: it comes after nothing and before nothing.
    if (!publishable || version.startsWith('0.0.0-')) continue;
    const tagged = versionsOf(workspace, project, tags)[0];
    const recorded = await recordedBefore(workspace, state, stage, name);
    const highest = [tagged, recorded].filter((one) => one !== undefined).toSorted(rcompare)[0];
    if (highest === undefined || !gt(highest, version)) continue;
    throw errors.VERSIONS_DISAGREE({
      name,
      disk: version,
      tag: tagged ?? 'none',
      stage,
      registry: recorded ?? 'none',
      right: highest,
      unproved: highest === recorded ? undefined : workspace.tagOf(project, highest),
    });
  }
}

/** Names of all tags that HEAD comes after: what another line of maintenance released does not count. None before the first commit. */
export async function tagsOfHead({ git }: Pick<Workspace, 'git'>): Promise<string[]> {
  if ((await git.head()) === undefined) return [];
  return (await git.run(['tag', '--merged', 'HEAD'])).split('\n').filter(Boolean);
}

/** Versions of a project among tags, highest first. */
export function versionsOf({ tagOf }: Pick<Workspace, 'tagOf'>, project: string, tags: string[]): string[] {
  const [before = '', after = ''] = tagOf(project, '\0').split('\0');
  return tags
    .filter((tag) => tag.startsWith(before) && tag.endsWith(after))
    .map((tag) => tag.slice(before.length, tag.length - after.length))
    .filter((version) => valid(version) === version)
    .toSorted(rcompare);
}

/** The highest version in the stage that was made from a commit which HEAD comes after. */
async function recordedBefore(
  { git }: Workspace,
  state: LedgerState,
  stage: string,
  name: string,
): Promise<string | undefined> {
  const versions = state.history(stage, name).map(({ record }) => record.version);
  for (const version of [...new Set(versions)].toSorted(rcompare)) {
    const commit = state.published(name, version)?.record.source.commit;
    if (commit === undefined) continue;
    const { code } = await git.call(['merge-base', '--is-ancestor', commit, 'HEAD']);
    if (code === 0) return version;
  }
  return undefined;
}
