import { format } from 'node:util';
import semver from 'semver';
import { githubToken } from '../github/index.ts';
import { changelogSection, commitList, proofTable } from './notes.ts';
import { commentMark } from './once.ts';
import type { ReleaseInput } from './release.ts';
import type { Candidate } from './types.ts';

/**
 * Our own words in place of the library's, which speak of semantic-release. The package stands in backticks: as plain text
 * `@acme/money` would call a team.
 */
export const COMMENT = `<%= issue.pull_request ? 'Released' : 'Resolved' %> in \`<%= nextRelease.package %>\` **<%= nextRelease.version %>**<%= releases.map((one) => one.url ? \` · [\${one.name}](\${one.url})\` : '').join('') %>

<%= nextRelease.mark %>`;

/** What the library is given in place of semantic-release's own findings; `said` collects what it complains about. */
export async function pluginContext(
  { context, github, state }: Pick<ReleaseInput, 'context' | 'github' | 'state'>,
  candidate: Candidate,
  { tag, folder, commits }: { tag: string; folder: string; commits: { hash: string; message: string }[] },
) {
  const { name, version, published } = candidate;
  const { repository, options, env } = context;
  const { source, root } = published.record;
  const isPrerelease = semver.prerelease(version) !== null;
  const changelog = await repository.show(source.commit, `${root === '.' ? '' : `${root}/`}CHANGELOG.md`);
  const section = changelog === undefined ? undefined : changelogSection(changelog, version);
  const stages = options.packages.stages.map((one) => one.name);
  const proof = proofTable(candidate, stages, state);
  const said: string[] = [];
  const token = githubToken(env)?.reveal();
  return {
    cwd: folder,
    env: { GITHUB_TOKEN: token, GITHUB_ACTION: env['GITHUB_ACTION'] },
    options: { repositoryUrl: `${github.url}.git` },
    branch: {
      // What GitHub would tag, if the tag were not there.
      name: source.commit,
      type: isPrerelease ? ('prerelease' as const) : ('release' as const),
      // Only the highest version of a package may become the repository's latest release.
      main: !isPrerelease && candidate.isNewest,
      prerelease: isPrerelease,
    },
    commits,
    nextRelease: {
      gitTag: tag,
      gitHead: source.commit,
      name: `${name} ${version}`,
      version,
      notes: [section ?? commitList(commits), proof].filter(Boolean).join('\n\n'),
      package: name,
      mark: commentMark(tag),
    },
    releases: [] as { name: string; url?: string }[],
    logger: {
      log: () => {},
      warn: () => {},
      error: (...words: unknown[]) => void said.push(format(...words)),
    },
    said,
    proof,
  };
}
