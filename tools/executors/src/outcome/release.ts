import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { format } from 'node:util';
import semver from 'semver';
import { asSluiceError, errors, SluiceError } from '../foundation/index.ts';
import { githubToken, refusal, type GitHub } from '../github/index.ts';
import type { LedgerState } from '../ledger/types.ts';
import type { Context } from '../promotion/context.ts';
import { gatherAssets } from './assets.ts';
import { commitsOf } from './commits.ts';
import { changelogSection, commitList, releaseNotes } from './notes.ts';
import { commentMark, releaseOf, writingOnce, type ReleaseShown } from './once.ts';
import type { Candidate, Outcome } from './types.ts';

export interface ReleaseInput {
  context: Context;
  github: GitHub;
  state: LedgerState;
  /** The last package stage. */
  stage: string;
  tagOf: (project: string, version: string) => string;
  dryRun?: boolean;
  signal?: AbortSignal;
  /** Length of a second while waiting; tests have shorter ones. */
  secondMs?: number;
  /** Loads the library, which not everybody has. */
  library?: () => Promise<Library>;
}
export type Library = typeof import('@semantic-release/github');

/** Stands in the release once its comments are made too: nothing of it is left to do. */
const DONE = '<!-- sluice: announced -->';

/**
 * One GitHub release with its assets, and comments on the issues and pull requests that it resolves; by the code of
 * @semantic-release/github. Whatever of it is there already is left as it is.
 * @throws GITHUB_..., RELEASE_TAG_MISSING, ANNOUNCE_LIBRARY_MISSING, ANNOUNCE_FAILED, and what reading the artifact throws
 */
export async function announceRelease(
  input: ReleaseInput,
  candidate: Candidate,
): Promise<Pick<Outcome, 'status' | 'url' | 'notes'>> {
  const { github, tagOf } = input;
  const tag = tagOf(candidate.project, candidate.version);
  const Octokit = writingOnce(github, tag, input.secondMs);
  const before = await shown(github, Octokit, input, tag);
  if (before && !before.draft && before.body?.includes(DONE))
    return { status: 'there', url: before.html_url, notes: [] };
  // GitHub would make a tag of its own, wherever the default branch is by then.
  if (!(await github.find('GET /repos/{owner}/{repo}/git/ref/{ref}', { ref: `tags/${tag}` })))
    throw errors.RELEASE_TAG_MISSING({ tag, commit: candidate.published.record.source.commit });

  if (input.dryRun) return { status: 'planned', notes: [] };
  const library = await load(input.library ?? (() => import('@semantic-release/github')));
  const folder = await mkdtemp(join(tmpdir(), 'sluice-release-'));
  try {
    const { commits, notes } = await commitsOf(input.context.repository, candidate);
    const release = before && !before.draft ? { id: before.id, url: before.html_url } : undefined;
    const gathered = release
      ? { assets: [], notes: [] }
      : await gatherAssets(input.context, {
          candidate,
          stage: input.stage,
          folder,
          ...(input.signal ? { signal: input.signal } : {}),
        });
    const context = await pluginContext(input, candidate, { tag, folder, commits });
    const config = {
      githubApiUrl: github.api,
      ...(new URL(github.url).host === 'github.com' ? {} : { githubUrl: new URL(github.url).origin }),
      proxy: false as const,
      successComment: COMMENT,
      failCommentCondition: false as const,
    };
    const made =
      release ?? (await library.publish({ ...config, assets: gathered.assets }, context, { Octokit }));
    context.releases.push({ name: 'GitHub release', url: made.url });
    await library.success(config, context, { Octokit });
    const { body } = await github.request<ReleaseShown>('GET /repos/{owner}/{repo}/releases/{release_id}', {
      release_id: made.id,
    });
    await github.request('PATCH /repos/{owner}/{repo}/releases/{release_id}', {
      release_id: made.id,
      body: `${body ?? ''}\n\n${DONE}\n`,
    });
    return { status: 'made', url: made.url, notes: [...notes, ...gathered.notes, ...context.said] };
  } catch (error) {
    throw explained(error, github, tag);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function shown(
  github: GitHub,
  Octokit: GitHub['Octokit'],
  { context }: ReleaseInput,
  tag: string,
): Promise<ReleaseShown | undefined> {
  const token = githubToken(context.env);
  if (!token) throw errors.GITHUB_TOKEN_MISSING({ repository: `${github.owner}/${github.repo}` });
  const octokit = new Octokit({ baseUrl: github.api, auth: token.reveal() });
  return releaseOf(octokit, { owner: github.owner, repo: github.repo }, tag).catch((error: unknown) => {
    throw refusal(
      { method: 'GET', path: `/repos/${github.owner}/${github.repo}/releases`, api: github.api },
      error,
    );
  });
}

/** Our own words in place of the library's, which speak of semantic-release; the version names its package. */
const COMMENT = `<%= issue.pull_request ? 'Released' : 'Resolved' %> in **<%= nextRelease.name %>**<%= releases.map((one) => one.url ? \` · [\${one.name}](\${one.url})\` : '').join('') %>

<%= nextRelease.mark %>`;

async function pluginContext(
  { context, github, state, stage }: ReleaseInput,
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
  const said: string[] = [];
  const token = githubToken(env)?.reveal();
  return {
    cwd: folder,
    env: { GITHUB_TOKEN: token, GITHUB_ACTION: env['GITHUB_ACTION'] },
    options: { repositoryUrl: `${github.url}.git` },
    branch: {
      name: options.packages.stages.at(-1)?.name ?? stage,
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
      notes: releaseNotes({ changes: section ?? commitList(commits), candidate, stages, state }),
      mark: commentMark(tag),
    },
    releases: [] as { name: string; url?: string }[],
    logger: {
      log: () => {},
      warn: () => {},
      error: (...words: unknown[]) => void said.push(format(...words)),
    },
    said,
  };
}

async function load(library: () => Promise<Library>): Promise<Library> {
  try {
    return await library();
  } catch (cause) {
    if ((cause as { code?: string }).code !== 'ERR_MODULE_NOT_FOUND') throw cause;
    throw errors.ANNOUNCE_LIBRARY_MISSING({}, { cause });
  }
}

/** The library throws several errors as one; the first says enough, and its request says what was asked. */
function explained(error: unknown, github: GitHub, tag: string): SluiceError {
  const first = ((error as { errors?: unknown[] }).errors ?? [])[0] ?? error;
  if (first instanceof SluiceError) return first;
  const { request, status, details, message } = first as {
    request?: { method: string; url: string };
    status?: number;
    details?: string;
    message?: string;
  };
  if (request && status !== undefined) {
    const path = request.url.replace(github.api, '').replace(/\?.*$/, '');
    return refusal({ method: request.method, path, api: github.api }, first);
  }
  const code = (first as { code?: unknown }).code;
  if (typeof code === 'string' && !code.startsWith('E')) return asSluiceError(first);
  return errors.ANNOUNCE_FAILED(
    { tag, said: [message, details].filter(Boolean).join(' ') },
    { cause: error },
  );
}
