import { statusOf, type GitHub } from '../github/index.ts';
import { errors } from '../foundation/index.ts';
import type { BranchRule, Present, Reviewer } from './types.ts';

interface Shown {
  name: string;
  protection_rules?: {
    type: string;
    wait_timer?: number;
    prevent_self_review?: boolean;
    reviewers?: { type: 'User' | 'Team'; reviewer: { id: number; login?: string; slug?: string } }[];
  }[];
  deployment_branch_policy?: { custom_branch_policies: boolean } | null;
}
const ENVIRONMENTS = 'GET /repos/{owner}/{repo}/environments';
const BRANCHES = `${ENVIRONMENTS}/{environment_name}/deployment-branch-policies`;

/** All environments of the repository. */
export async function presentEnvironments(github: GitHub): Promise<Present[]> {
  const shown = await github.paginate<Shown>(ENVIRONMENTS);
  return Promise.all(shown.map((one) => present(github, one)));
}

async function present(
  github: GitHub,
  { name, protection_rules: rules = [], deployment_branch_policy: policy }: Shown,
): Promise<Present> {
  const reviewed = rules.find(({ type }) => type === 'required_reviewers');
  return {
    name,
    waitMinutes: rules.find(({ type }) => type === 'wait_timer')?.wait_timer ?? 0,
    preventSelfReview: reviewed?.prevent_self_review ?? false,
    reviewers: (reviewed?.reviewers ?? []).map(({ type, reviewer }) => ({
      type,
      id: reviewer.id,
      // A team's organisation is not shown; it can only be the repository's owner.
      name: type === 'Team' ? `${github.owner}/${reviewer.slug}` : (reviewer.login ?? ''),
    })),
    branches: await branchRule(github, name, policy),
  };
}

async function branchRule(
  github: GitHub,
  name: string,
  policy: Shown['deployment_branch_policy'],
): Promise<BranchRule> {
  if (!policy) return 'all';
  if (!policy.custom_branch_policies) return 'protected';
  const branches = await github.paginate<{ id: number; name: string }>(BRANCHES, { environment_name: name });
  return branches.map(({ id, name: branch }) => ({ id, name: branch }));
}

/**
 * The users and teams of these names.
 * @throws ENVIRONMENT_REVIEWER_UNKNOWN
 */
export function reviewersNamed(github: GitHub, environment: string, names: string[]): Promise<Reviewer[]> {
  return Promise.all(
    names.map(async (name): Promise<Reviewer> => {
      const refuse = (why: string) =>
        errors.ENVIRONMENT_REVIEWER_UNKNOWN({ environment, reviewer: name, why });
      const [org, team] = name.split('/');
      if (team !== undefined) {
        if (org?.toLowerCase() !== github.owner.toLowerCase())
          throw refuse(`is no team of ${github.owner}, whose repository this is`);
        const found = await github.find<{ id: number }>('GET /orgs/{org}/teams/{team_slug}', {
          org,
          team_slug: team,
        });
        if (!found) throw refuse('is no team that this token may see');
        return { type: 'Team', id: found.id, name };
      }
      const found = await github.find<{ id: number }>('GET /users/{username}', { username: name });
      if (!found) throw refuse('is nobody on GitHub');
      if (!(await mayRead(github, name))) throw refuse(`may not read ${github.owner}/${github.repo}`);
      return { type: 'User', id: found.id, name };
    }),
  );
}

async function mayRead(github: GitHub, username: string): Promise<boolean> {
  try {
    const { permission } = await github.request<{ permission: string }>(
      'GET /repos/{owner}/{repo}/collaborators/{username}/permission',
      { username },
    );
    return permission !== 'none';
  } catch (error) {
    // Who may not ask about people learns it from GitHub, when the environment is written.
    if (statusOf(error) === 403 || statusOf(error) === 404) return true;
    throw error;
  }
}
