import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { GitHub } from '../github/index.ts';

export type Client = Awaited<ReturnType<GitHub['Octokit']>>;
type Octokit = InstanceType<Client>;
interface Asked {
  method: string;
  url: string;
  [param: string]: unknown;
}
interface Answer {
  status: number;
  url: string;
  headers: object;
  data: unknown;
}
export interface ReleaseShown {
  id: number;
  html_url: string;
  tag_name: string;
  draft: boolean;
  body?: string | null;
}
interface AssetShown {
  id: number;
  name: string;
  state: string;
  size: number;
  digest?: string | null;
}

const RELEASES = '/repos/{owner}/{repo}/releases';
const COMMENTS = '/repos/{owner}/{repo}/issues/{issue_number}/comments';
const TRIES = 3;

/** What a comment of ours has in it, unseen, so that the next run finds it. */
export const commentMark = (tag: string): string => `<!-- sluice release ${tag} -->`;

/**
 * A client whose three kinds of POST look first whether what they make is there: the release of a tag, an asset of a
 * release, our comment on an issue. So a library that knows nothing of re-runs adds nothing twice, and a POST whose
 * answer was lost can be repeated.
 * @param tag the release's
 */
export async function writingOnce(github: GitHub, tag: string, secondMs = 1000): Promise<Client> {
  const Limited = await github.Octokit();
  class Once extends Limited {
    constructor(options?: ConstructorParameters<Client>[0]) {
      super(options);
      this.hook.wrap('request', async (request, given) => {
        const asked = given as unknown as Asked;
        const find = asked.method === 'POST' ? finderOf(this, asked, tag) : undefined;
        if (!find) return request(given);
        for (let attempt = 1; ; attempt++) {
          const data = await find();
          if (data !== undefined) return there(asked, data) as never;
          try {
            return await request(given);
          } catch (error) {
            const { status } = error as { status?: number };
            if (attempt === TRIES || status === undefined || status < 500) throw error;
            await sleep(attempt * attempt * secondMs);
          }
        }
      });
    }
  }
  return Once as unknown as Client;
}

/** How to look for what a POST would make; undefined for one that may be sent as it is. */
function finderOf(octokit: Octokit, asked: Asked, tag: string): (() => Promise<unknown>) | undefined {
  const { owner, repo } = asked;
  if (asked.url.endsWith(RELEASES))
    return () => releaseOf(octokit, { owner, repo }, String(asked['tag_name']));
  if (asked.url.endsWith(COMMENTS)) return () => commentOf(octokit, asked, tag);
  const [, assets] = /^(.*\/releases\/\d+\/assets)\{/.exec(asked.url) ?? [];
  return assets === undefined ? undefined : () => assetOf(octokit, asked, assets);
}

/** Drafts are found in no other way than in the list; one that was left half-way is among the newest. */
const DRAFT_PAGES = 3;

/** The release of a tag, as a draft too; undefined where there is none. */
export async function releaseOf(
  octokit: Octokit,
  place: { owner: unknown; repo: unknown },
  tag: string,
): Promise<ReleaseShown | undefined> {
  const published = await octokit
    .request(`GET ${RELEASES}/tags/{tag}`, { ...place, tag } as never)
    .catch((error: unknown) => {
      if ((error as { status?: number }).status === 404) return undefined;
      throw error;
    });
  if (published) return published.data as ReleaseShown;
  for (let page = 1; page <= DRAFT_PAGES; page++) {
    const { data } = await octokit.request(`GET ${RELEASES}`, { ...place, per_page: 100, page } as never);
    const found = (data as ReleaseShown[]).find((one) => one.tag_name === tag);
    if (found || (data as ReleaseShown[]).length < 100) return found;
  }
  return undefined;
}

async function commentOf(octokit: Octokit, asked: Asked, tag: string): Promise<unknown> {
  const { owner, repo, issue_number } = asked;
  for (let page = 1; ; page++) {
    const { data } = await octokit.request(`GET ${COMMENTS}`, {
      owner,
      repo,
      issue_number,
      per_page: 100,
      page,
    } as never);
    const comments = data as { body?: string }[];
    const found = comments.find(({ body }) => body?.includes(commentMark(tag)));
    if (found || comments.length < 100) return found;
  }
}

/** The asset with these bytes. One of that name with others, or that never came to its end, is taken away. */
async function assetOf(octokit: Octokit, asked: Asked, assets: string): Promise<unknown> {
  const bytes = asked['data'] as Buffer;
  const { data } = await octokit.request({ method: 'GET', url: assets, per_page: 100 } as never);
  const same = (data as AssetShown[]).find(({ name }) => name === asked['name']);
  if (!same) return undefined;
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  // Servers of older versions give no digest.
  if (same.state === 'uploaded' && same.size === bytes.length && (same.digest ?? digest) === digest)
    return same;
  await octokit.request({
    method: 'DELETE',
    url: assets.replace(/\/\d+\/assets$/, `/assets/${same.id}`),
  } as never);
  return undefined;
}

function there({ url }: Asked, data: unknown): Answer {
  return { status: 200, url, headers: {}, data };
}
