import { readFile } from 'node:fs/promises';
import { errors, SluiceError } from '../foundation/index.ts';
import { openGitHub, statusOf, type GitHub } from '../github/index.ts';
import type { CommentingUser } from '../ledger/types.ts';
import { approve, type Approved } from './approve.ts';
import type { Context } from './context.ts';

/** What became of a comment. */
export interface CommentApproval {
  /** `none`: it asks for nothing; `before`: it was recorded by an earlier run. */
  outcome: 'recorded' | 'before' | 'none';
  stage?: string;
  login?: string;
  approved?: Approved;
}

interface Comment {
  id: number;
  body: string;
  html_url: string;
  issue_url: string;
  created_at: string;
  updated_at: string;
  user: { login: string; id: number; type: string } | null;
}

/** Those whose role lets them push; `maintain` is told as `write`. */
const MAY_APPROVE = ['admin', 'write'];

/**
 * Records the approval that a comment on GitHub gives: `/approve <stage> <hash of the plan>` in its first line, and what else
 * it says as its comment. Of the event only the comment's number is believed; text, author and the author's right are asked
 * from GitHub, at the address that the policy has. The job signs that it was so, and answers in the issue.
 * @throws COMMENT_UNREADABLE, COMMENT_OUTSIDE_JOB, COMMENT_INCOMPLETE, COMMENT_EDITED, COMMENT_WITHOUT_RIGHT, COMMENT_OTHER_PLAN,
 *   APPROVAL_NOT_ASKED, APPROVAL_DOES_NOT_COUNT
 */
export async function approveByComment(context: Context, eventFile: string): Promise<CommentApproval> {
  const id = await commentId(eventFile);
  if (id === undefined) return { outcome: 'none' };
  const { options } = await context.policy();
  const github = openGitHub({ options: options.github, identity: context.identity, env: context.env });
  const comment = await github.request<Comment>('GET /repos/{owner}/{repo}/issues/comments/{comment_id}', {
    comment_id: id,
  });
  if (!/^\/approve(\s|$)/.test(comment.body)) return { outcome: 'none' };
  try {
    const done = await record(context, github, comment);
    await answer(github, comment, said(done)).catch(ignored);
    return done;
  } catch (error) {
    if (error instanceof SluiceError && !error.transient)
      await answer(github, comment, `Not approved. ${error.code}: ${error.message}`).catch(ignored);
    throw error;
  }
}

async function commentId(file: string): Promise<number | undefined> {
  let event: { action?: unknown; comment?: { id?: unknown } };
  try {
    event = JSON.parse(await readFile(file, 'utf8')) as typeof event;
  } catch (cause) {
    throw errors.COMMENT_UNREADABLE({ file }, { cause });
  }
  if (event.action !== 'created') return undefined;
  const id = event.comment?.id;
  if (typeof id !== 'number') throw errors.COMMENT_UNREADABLE({ file });
  return id;
}

async function record(context: Context, github: GitHub, comment: Comment): Promise<CommentApproval> {
  const { body, html_url: url, user } = comment;
  if (!(await context.job())) throw errors.COMMENT_OUTSIDE_JOB({ url });
  const [first = '', ...rest] = body.split(/\r?\n/);
  const [, stage, hash, ...more] = first.trim().split(/\s+/);
  if (!stage || !/^[0-9a-f]{64}$/.test(hash ?? '')) throw errors.COMMENT_INCOMPLETE({ url });
  // What somebody reads now need not be what was written when it was believed.
  if (comment.created_at !== comment.updated_at) throw errors.COMMENT_EDITED({ url });
  if (!user || user.type !== 'User')
    throw errors.COMMENT_WITHOUT_RIGHT({ url, login: user?.login ?? 'nobody', right: 'none' });
  const right = await rightOf(github, user.login);
  if (!MAY_APPROVE.includes(right)) throw errors.COMMENT_WITHOUT_RIGHT({ url, login: user.login, right });
  const given: CommentingUser = { login: user.login, id: user.id, url };
  const state = await (await context.ledger()).refresh();
  if (state.approvals(stage).some((entry) => entry.record.user?.url === url))
    return { outcome: 'before', stage, login: user.login };
  const words = [more.join(' '), ...rest].join('\n').trim();
  const approved = await approve(context, {
    stage,
    witnessed: { user: given, planHash: hash as string },
    ...(words ? { comment: words } : {}),
  });
  return { outcome: 'recorded', stage, login: user.login, approved };
}

async function rightOf(github: GitHub, login: string): Promise<string> {
  try {
    const { permission } = await github.request<{ permission: string }>(
      'GET /repos/{owner}/{repo}/collaborators/{username}/permission',
      { username: login },
    );
    return permission;
  } catch (error) {
    if (statusOf(error) === 404) return 'none';
    throw error;
  }
}

function said({ outcome, stage, login, approved }: CommentApproval): string {
  if (outcome === 'before') return `The approval for ${stage} is recorded already.`;
  const lines = [`Recorded: ${login} approves for ${stage}.`];
  for (const id of approved?.open ?? []) lines.push(`- ${id} may go`);
  for (const { id, missing } of approved?.closed ?? []) lines.push(`- ${id} waits: ${missing.join('; ')}`);
  return lines.join('\n');
}

/** People, teams and issues that are named in an answer are not to be called. */
function answer(github: GitHub, { issue_url: issue }: Comment, text: string): Promise<unknown> {
  return github.request('POST /repos/{owner}/{repo}/issues/{issue_number}/comments', {
    issue_number: Number(issue.split('/').pop()),
    body: text.replaceAll('@', '@\u200B').replaceAll('#', '#\u200B'),
  });
}

/** The approval is recorded, or the run has failed: an answer that could not be written changes neither. */
function ignored(): void {}
