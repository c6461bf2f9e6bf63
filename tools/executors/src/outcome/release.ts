import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asSluiceError, errors, SluiceError } from '../foundation/index.ts';
import { githubToken, refusal, type GitHub } from '../github/index.ts';
import type { LedgerState } from '../ledger/types.ts';
import type { Context } from '../promotion/context.ts';
import { gatherAssets } from './assets.ts';
import { commitsOf } from './commits.ts';
import { releaseOf, writingOnce, type Client, type ReleaseShown } from './once.ts';
import { COMMENT, pluginContext } from './plugin-context.ts';
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
  const Octokit = await writingOnce(github, tag, input.secondMs);
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
    const gathered = await gatherAssets(input.context, {
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
      assets: gathered.assets,
      successComment: COMMENT,
      failCommentCondition: false as const,
    };
    const made = await library.publish(config, context, { Octokit });
    context.releases.push({ name: 'GitHub release', url: made.url });
    await library.success(config, context, { Octokit });
    await conclude(github, made.id, context.proof);
    return { status: 'made', url: made.url, notes: [...notes, ...gathered.notes, ...context.said] };
  } catch (error) {
    throw explained(error, github, tag);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function shown(
  github: GitHub,
  Octokit: Client,
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

/** A release that a person had made before keeps its words, and gets the proofs too. */
async function conclude(github: GitHub, id: number, proof: string): Promise<void> {
  const release = { release_id: id };
  const at = '/repos/{owner}/{repo}/releases/{release_id}';
  const { body } = await github.request<ReleaseShown>(`GET ${at}`, release);
  const parts = [body?.trim(), body?.includes(proof) ? '' : proof, DONE];
  await github.request(`PATCH ${at}`, { ...release, body: `${parts.filter(Boolean).join('\n\n')}\n` });
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
