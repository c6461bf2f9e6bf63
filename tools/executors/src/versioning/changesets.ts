import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config, NewChangeset, Package, Packages, PreState, ReleasePlan } from '@changesets/types';
import { errors } from '../foundation/index.ts';
import type { Bump, Member, VersioningTool, Wish, Workspace } from './types.ts';

interface Read {
  packages: Packages;
  config: Config;
  plan: ReleasePlan;
  /** Prereleases begin with this release. */
  entering: boolean;
}

/** Changesets: files below `.changeset` say what a change means, when it is made. Its own libraries plan and apply. */
export const changesets: VersioningTool = {
  name: 'changesets',
  plan: async (workspace, wish) => bumpsOf(workspace, (await read(workspace, wish)).plan),
  apply: async (workspace, _, wish) => {
    const { packages, config, plan, entering } = await read(workspace, wish);
    const [{ applyReleasePlan }, pre] = await Promise.all([
      import('@changesets/apply-release-plan'),
      import('@changesets/pre'),
    ]);
    if (entering) await pre.enterPre(workspace.root, wish.preid ?? '');
    await applyReleasePlan(plan, packages, config);
  },
};

async function read(workspace: Workspace, wish: Wish): Promise<Read> {
  const [{ assembleReleasePlan }, { readConfig }, { readChangesets }, { readPreState }] = await Promise.all([
    import('@changesets/assemble-release-plan'),
    import('@changesets/config'),
    import('@changesets/read'),
    import('@changesets/pre'),
  ]);
  const packages = packagesOf(workspace);
  const { config, errors: problems } = await readConfig(workspace.root, packages);
  if (!config) throw errors.CONFIG_INVALID({ file: '.changeset/config.json', problems: problems ?? [] });
  const found = await readChangesets(workspace.root);
  checkNames(found, workspace.members);
  const before = await readPreState(workspace.root);
  if (wish.preid && before?.mode === 'pre' && before.tag !== wish.preid)
    throw errors.PRERELEASE_ELSEWHERE({
      tool: 'changesets',
      preid: wish.preid,
      why: `.changeset/pre.json says prereleases are called "${before.tag}"`,
      next: `leave --preid away, or: npx changeset pre exit && npx changeset pre enter ${wish.preid}`,
    });
  const entering = wish.preid !== undefined && before?.mode !== 'pre';
  const state: PreState | undefined = entering ? { mode: 'pre', tag: wish.preid ?? '' } : before;
  return { packages, config, plan: assembleReleasePlan(found, packages, config, state), entering };
}

/** @throws CHANGESET_STRAY for a changeset that names a package which is not in the workspace (any more) */
function checkNames(found: NewChangeset[], members: Member[]): void {
  const known = new Set(members.map(({ name }) => name));
  for (const { id, releases } of found) {
    const stray = releases.find(({ name }) => !known.has(name));
    if (stray)
      throw errors.CHANGESET_STRAY({ file: `.changeset/${id}.md`, name: stray.name, known: [...known] });
  }
}

function packagesOf({ root, members }: Workspace): Packages {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Package['packageJson'];
  return {
    rootDir: root,
    tool: { type: 'npm' },
    rootPackage: { dir: root, packageJson: manifest },
    packages: members.map((member) => ({
      dir: join(root, member.root),
      packageJson: member.manifest as Package['packageJson'],
    })),
  };
}

function bumpsOf({ members }: Workspace, plan: ReleasePlan): Bump[] {
  const byName = new Map(plan.releases.map((release) => [release.name, release]));
  return members.flatMap((member) => {
    const { project, name, root, version } = member;
    const release = byName.get(name);
    if (!release?.newVersion || release.type === 'none') return [];
    return [{ project, name, root, from: version, to: release.newVersion, notes: notesOf(member, plan) }];
  });
}

/** What stands in the changesets of a package; what only follows others says which, or that its group does. */
function notesOf({ name, manifest }: Member, { changesets: all, releases }: ReleasePlan): string {
  const lines = all.flatMap(({ summary, releases: of }) =>
    of.some((release) => release.name === name && release.type !== 'none')
      ? [`- ${summary.trim().replaceAll('\n', '\n  ')}`]
      : [],
  );
  if (lines.length > 0) return `${lines.join('\n')}\n`;
  const shipped = {
    ...manifest.dependencies,
    ...manifest.peerDependencies,
    ...manifest.optionalDependencies,
  };
  const moved = releases.filter((release) => release.name in shipped && release.type !== 'none');
  if (moved.length === 0) return 'The version that its group has now; nothing was changed.\n';
  return `### Dependencies\n\n${moved.map((release) => `- ${release.name} ${release.newVersion}`).join('\n')}\n`;
}
