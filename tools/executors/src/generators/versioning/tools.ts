import type { NxJsonConfiguration } from '@nx/devkit';
import type { VersioningName } from '../../pipeline/types.ts';
import type { Member } from '../../versioning/types.ts';

/** What a tool needs in the workspace: packages, and files that are written where there are none yet. */
export interface ToolSetup {
  packages: Record<string, string>;
  files(workspace: {
    members: Member[];
    branch: string;
    tagOf: (project: string) => string;
  }): Record<string, object>;
}

/** The libraries are named too: a strict client (pnpm) lets a package import only what it finds beside it. */
const CHANGESETS = {
  '@changesets/apply-release-plan': '^8.1.1',
  '@changesets/assemble-release-plan': '^7.0.0',
  '@changesets/cli': '^3.0.3',
  '@changesets/config': '^4.0.1',
  '@changesets/pre': '^3.0.0',
  '@changesets/read': '^1.0.1',
};

export const SETUPS: Record<VersioningName, ToolSetup> = {
  nx: { packages: {}, files: () => ({}) },
  changesets: {
    packages: CHANGESETS,
    files: ({ branch }) => ({
      '.changeset/config.json': {
        changelog: '@changesets/cli/changelog',
        access: 'public',
        baseBranch: branch,
        updateInternalDependencies: 'patch',
        // The identifier stands alone, so that it is the dist-tag: npx changeset version --snapshot canary.
        snapshot: { prereleaseTemplate: '{tag}.{datetime}' },
        // As the other tools do it: whoever ships a dependency that was released is released too.
        ___experimentalUnsafeOptions_WILL_CHANGE_IN_PATCH: { updateInternalDependents: 'always' },
      },
    }),
  },
  'semantic-release': {
    packages: { 'semantic-release': '^25.0.9' },
    files: ({ members, branch, tagOf }) => {
      const common = {
        branches: [branch, { name: 'beta', prerelease: true }],
        plugins: ['@sluice/nx/semantic-release'],
      };
      const own = members.map(({ project, root }) => [
        `${root}/.releaserc.json`,
        { ...common, tagFormat: tagOf(project) },
      ]);
      return { '.releaserc.json': common, ...(Object.fromEntries(own) as Record<string, object>) };
    },
  },
  'release-it': {
    // 21.1.2 asks for a version of wildcard-match that is not there.
    packages: { 'release-it': '21.1.0' },
    files: ({ members }) =>
      Object.fromEntries(
        members.map(({ root }) => [`${root}/.release-it.json`, { plugins: { '@sluice/nx/release-it': {} } }]),
      ),
  },
};

/** nx.json with what `nx release` needs, where it was not used before. */
export function withRelease(
  nxJson: NxJsonConfiguration,
  release: NxJsonConfiguration['release'],
): NxJsonConfiguration {
  return { ...nxJson, release: nxJson.release?.version ? nxJson.release : { ...release, ...nxJson.release } };
}
