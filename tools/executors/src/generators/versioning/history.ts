import { gt, rcompare, valid } from 'semver';
import { commitsSinceTag, notesFor, recommended } from '../../versioning/release-it/conventional.ts';
import { tagsOfHead, versionsOf } from '../../versioning/agree.ts';
import type { Manifest, Member, Workspace } from '../../versioning/types.ts';

/** A release that a tool of before tagged in its own form. */
export interface OldTag {
  project: string;
  version: string;
  tag: string;
}

/** How tools name their tags where nobody said otherwise: changesets and lerna, semantic-release's monorepo plugins. */
const forms = ({ name, project }: Member): ((version: string) => string)[] => [
  (version) => `${name}@${version}`,
  (version) => `${project}@${version}`,
  (version) => `${name}-v${version}`,
  (version) => `${project}-v${version}`,
];

/** Releases that are tagged in another form than the workspace's, and not in its own; oldest first. */
export async function oldTags(workspace: Workspace): Promise<OldTag[]> {
  const tags = await tagsOfHead(workspace);
  const members = workspace.members.filter(({ publishable }) => publishable);
  const found: OldTag[] = [];
  for (const member of members) {
    const { project } = member;
    const known = new Set(versionsOf(workspace, project, tags));
    for (const tagOf of forms(member)) {
      for (const version of versionsOf({ tagOf: (_, said) => tagOf(said) }, project, tags)) {
        if (known.has(version)) continue;
        known.add(version);
        found.push({ project, version, tag: tagOf(version) });
      }
    }
    // `v1.2.0` names no package: it counts for those that had this version there.
    for (const tag of tags.filter((one) => /^v\d/.test(one))) {
      const version = tag.slice(1);
      if (valid(version) !== version || known.has(version)) continue;
      if (members.length > 1 && (await versionAt(workspace, tag, member)) !== version) continue;
      known.add(version);
      found.push({ project, version, tag });
    }
  }
  return found.toSorted((a, b) => rcompare(b.version, a.version));
}

async function versionAt(
  { git, inGit }: Workspace,
  tag: string,
  { root }: Member,
): Promise<string | undefined> {
  const text = await git.show(tag, inGit(`${root}/package.json`));
  return text === undefined ? undefined : (JSON.parse(text) as Manifest).version;
}

/** Packages whose tags are ahead of package.json, as where semantic-release did not write versions: project -> version. */
export async function versionsByTag(workspace: Workspace, old: OldTag[]): Promise<Map<string, string>> {
  const tags = await tagsOfHead(workspace);
  const ahead = workspace.members.flatMap(({ project, version }): [string, string][] => {
    const others = old.filter((one) => one.project === project).map((one) => one.version);
    const highest = [...versionsOf(workspace, project, tags), ...others].toSorted(rcompare)[0];
    return highest !== undefined && gt(highest, version) ? [[project, highest]] : [];
  });
  return new Map(ahead);
}

/**
 * What commits ask for and was not released since the last time: a changeset for each package, which a tool that reads no commits would
 * not know of. A package that was never released goes out as it stands.
 */
export async function unreleased(workspace: Workspace, old: OldTag[]): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  const tags = await tagsOfHead(workspace);
  // A tag of another form is as good an end of what was released.
  const tagOf = (project: string, version: string) =>
    old.find((one) => one.project === project && one.version === version)?.tag ??
    workspace.tagOf(project, version);
  for (const member of workspace.members.filter(({ publishable }) => publishable)) {
    const since = old.filter(({ project }) => project === member.project).at(-1)?.version;
    if (since === undefined && versionsOf(workspace, member.project, tags).length === 0) continue;
    const commits = await commitsSinceTag({ ...workspace, tagOf }, member, since);
    const level = recommended(commits);
    if (level === undefined) continue;
    const id = member.project.replaceAll(/[^A-Za-z0-9]+/g, '-').replaceAll(/^-|-$/g, '');
    files[`.changeset/since-the-last-release-${id}.md`] =
      `---\n'${member.name}': ${level}\n---\n\n${notesFor(commits).trim()}\n`;
  }
  return files;
}
