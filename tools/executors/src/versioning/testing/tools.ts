import { join } from 'node:path';

export interface ToolUnderTest {
  /** Whether changes come with changesets. */
  changesets?: boolean;
  /** What the tool wants in the workspace, as its guide says. */
  files: Record<string, string>;
  nxJson: (nxJson: any, repository: string) => unknown;
  /** Prereleases are made on a branch of their own. */
  prereleaseBranch?: boolean;
}

const asIs = (nxJson: unknown): unknown => nxJson;

export const TOOLS = {
  nx: {
    files: {},
    nxJson: (nxJson: { plugins: { options: object }[] }, repository: string) => ({
      ...nxJson,
      // Nx loads the plugin from here; the workspace is no copy of the repository.
      plugins: [
        { plugin: join(repository, 'tools/executors/src/plugin.ts'), options: nxJson.plugins[0]?.options },
      ],
      release: {
        projects: ['*'],
        projectsRelationship: 'independent',
        releaseTag: { pattern: '{projectName}@{version}' },
        git: { commit: true, tag: false },
        version: {
          conventionalCommits: true,
          fallbackCurrentVersionResolver: 'disk',
          updateDependents: 'auto',
          versionPrefix: '^',
          preserveMatchingDependencyRanges: false,
        },
        changelog: {
          automaticFromRef: true,
          workspaceChangelog: false,
          projectChangelogs: { createRelease: false },
        },
      },
    }),
  },
  changesets: {
    changesets: true,
    files: {
      '.changeset/config.json': JSON.stringify({
        changelog: '@changesets/changelog-git',
        access: 'public',
        baseBranch: 'main',
        format: false,
        ___experimentalUnsafeOptions_WILL_CHANGE_IN_PATCH: { updateInternalDependents: 'always' },
      }),
    },
    nxJson: asIs,
  },
  'semantic-release': { prereleaseBranch: true, files: {}, nxJson: asIs },
  'release-it': { files: {}, nxJson: asIs },
} satisfies Record<string, ToolUnderTest>;
