import { statusOf, type GitHub } from '../github/index.ts';
import { fresh } from './difference.ts';
import { reviewersNamed } from './read.ts';
import type { Difference, Reviewer, Setting } from './types.ts';

/** What GitHub did not take of one environment, in its own words. */
export interface Refused {
  environment: string;
  settings: Setting[];
  said: string;
}
/** A line for a person. */
export function describeRefused({ environment, settings, said }: Refused): string {
  return `${environment}: no ${settings.join(', no ')}${said ? ` (${said})` : ''}`;
}

interface Body {
  wait_timer: number;
  prevent_self_review: boolean;
  reviewers: Pick<Reviewer, 'type' | 'id'>[] | null;
  deployment_branch_policy: { protected_branches: boolean; custom_branch_policies: boolean } | null;
}

const ENVIRONMENT = '/repos/{owner}/{repo}/environments/{environment_name}';
const SOME = { protected_branches: false, custom_branch_policies: true };
const PROTECTED = { protected_branches: true, custom_branch_policies: false };

/**
 * Makes one environment as it is wanted, and leaves the rest of it as it was. GitHub keeps reviewers and timers of private
 * repositories for larger plans: where it refuses them, the environment is made without, and what is missing is returned.
 * @throws ENVIRONMENT_REVIEWER_UNKNOWN, and what `GitHub.request` throws
 */
export async function apply(github: GitHub, { wanted, present }: Difference): Promise<Refused | undefined> {
  const name = present?.name ?? wanted.name;
  const now = present ?? fresh(name);
  const reviewers = wanted.reviewers ? await reviewersNamed(github, name, wanted.reviewers) : now.reviewers;
  const policy =
    wanted.branches || typeof now.branches === 'object'
      ? SOME
      : now.branches === 'protected'
        ? PROTECTED
        : null;
  const body: Body = {
    wait_timer: wanted.waitMinutes ?? now.waitMinutes,
    prevent_self_review: reviewers.length > 0 && (wanted.preventSelfReview ?? now.preventSelfReview),
    reviewers: reviewers.map(({ type, id }) => ({ type, id })),
    deployment_branch_policy: policy,
  };
  const refused = await put(github, name, body);
  if (wanted.branches && !refused?.settings.includes('branches'))
    await settleBranches(github, name, wanted.branches);
  return refused;
}

/** With all of it, or with as much as the plan has. */
async function put(github: GitHub, name: string, body: Body): Promise<Refused | undefined> {
  const write = (part: Body) => github.request(`PUT ${ENVIRONMENT}`, { environment_name: name, ...part });
  try {
    await write(body);
    return undefined;
  } catch (error) {
    if (!(await isLimitOfPlan(github, error, body))) throw error;
    for (const settings of lesser(body))
      try {
        await write(without(body, settings));
        const { said } = (error as { details: { said?: string } }).details;
        return { environment: name, settings, said: said ?? '' };
      } catch (again) {
        if (statusOf(again) !== 422 && statusOf(again) !== 403) throw again;
      }
    throw error;
  }
}

/** A public repository has everything; in a private one, a refusal of what only some plans have is about the plan. */
async function isLimitOfPlan(github: GitHub, error: unknown, body: Body): Promise<boolean> {
  if (statusOf(error) !== 422 && statusOf(error) !== 403) return false;
  if (lesser(body).length === 0) return false;
  return (await github.request<{ private: boolean }>('GET /repos/{owner}/{repo}')).private;
}

/** What to leave out, least first. */
function lesser({ reviewers, wait_timer, deployment_branch_policy: policy }: Body): Setting[][] {
  const people: Setting[] = reviewers?.length ? ['reviewers'] : [];
  const time: Setting[] = wait_timer > 0 ? ['wait'] : [];
  const branches: Setting[] = policy ? ['branches'] : [];
  const tries = [time, people, [...people, ...time], branches, [...people, ...time, ...branches]];
  return tries.filter(
    (one, i) => one.length > 0 && tries.findIndex((other) => other.join() === one.join()) === i,
  );
}

function without(body: Body, settings: Setting[]): Body {
  return {
    ...body,
    ...(settings.includes('reviewers') ? { reviewers: [], prevent_self_review: false } : {}),
    ...(settings.includes('wait') ? { wait_timer: 0 } : {}),
    ...(settings.includes('branches') ? { deployment_branch_policy: null } : {}),
  };
}

/** Adds before it takes away: at no time does nobody get in. */
async function settleBranches(github: GitHub, name: string, wanted: string[]): Promise<void> {
  const at = `${ENVIRONMENT}/deployment-branch-policies`;
  const there = await github.paginate<{ id: number; name: string }>(`GET ${at}`, { environment_name: name });
  for (const branch of wanted)
    if (!there.some((one) => one.name === branch))
      await github.request(`POST ${at}`, { environment_name: name, name: branch, type: 'branch' });
  for (const { id, name: branch } of there)
    if (!wanted.includes(branch))
      await github.request(`DELETE ${at}/{branch_policy_id}`, {
        environment_name: name,
        branch_policy_id: id,
      });
}
