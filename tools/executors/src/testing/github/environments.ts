import { notFound, ok, page, refused, text, userOf, type Answer, type Call, type Handlers } from './call.ts';
import type { StoredEnvironment } from './state.ts';

const ENVIRONMENT = '/repos/{owner}/{repo}/environments/{environment_name}';
const POLICIES = `${ENVIRONMENT}/deployment-branch-policies`;

export const environments = {
  'GET /repos/{owner}/{repo}/environments': (call) =>
    page(call, call.state.environments, (one) => shape(call, one), 'environments'),

  [`GET ${ENVIRONMENT}`]: (call: Call) => withEnvironment(call, (one) => ok(shape(call, one))),

  [`PUT ${ENVIRONMENT}`]: (call: Call) => {
    const { state, body } = call;
    const { wait_timer = 0, prevent_self_review = false, deployment_branch_policy = null } = body;
    const reviewers = (body['reviewers'] ?? []) as StoredEnvironment['reviewers'];
    const { plan, visibility } = state.repository;
    const limited = visibility === 'private' && plan !== 'enterprise';
    // The words are from memory; nothing may go by them.
    const lacking = [
      ...(limited && reviewers.length > 0 ? ['required reviewers'] : []),
      ...(limited && (wait_timer as number) > 0 ? ['wait timer'] : []),
    ].map(
      (rule) =>
        `Failed to create the environment protection rule. Please ensure the billing plan supports the ${rule} protection rule.`,
    );
    if (lacking.length > 0) return refused(422, 'Validation Failed', lacking);
    if (visibility === 'private' && plan === 'free') return notFound();
    const people = [...Object.values(state.users), ...Object.values(state.teams)].map(({ id }) => id);
    if (reviewers.length > 6 || reviewers.some(({ id }) => !people.includes(id)))
      return refused(422, 'Validation Failed', ['reviewers is invalid']);
    const before = find(call);
    const policy = deployment_branch_policy as StoredEnvironment['branchPolicy'];
    const stored: StoredEnvironment = {
      id: before?.id ?? call.id(),
      name: before?.name ?? text(call.params['environment_name']),
      waitTimer: wait_timer as number,
      preventSelfReview: prevent_self_review as boolean,
      reviewers,
      branchPolicy: policy,
      branches: policy?.custom_branch_policies ? (before?.branches ?? []) : [],
    };
    if (before) Object.assign(before, stored);
    else state.environments.push(stored);
    return ok(shape(call, stored));
  },

  [`GET ${POLICIES}`]: (call: Call) =>
    withEnvironment(call, (one) => page(call, one.branches, (branch) => branch, 'branch_policies')),

  [`POST ${POLICIES}`]: (call: Call) =>
    withEnvironment(call, (one) => {
      if (!one.branchPolicy?.custom_branch_policies) return notFound();
      const name = text(call.body['name']);
      if (one.branches.some((branch) => branch.name === name)) return { status: 303 };
      const branch = { id: call.id(), name };
      one.branches.push(branch);
      return ok(branch);
    }),

  [`DELETE ${POLICIES}/{branch_policy_id}`]: (call: Call) =>
    withEnvironment(call, (one) => {
      one.branches = one.branches.filter(({ id }) => String(id) !== call.params['branch_policy_id']);
      return { status: 204 };
    }),

  [`GET ${ENVIRONMENT}/secrets`]: (call: Call) =>
    withEnvironment(call, (one) =>
      page(call, call.state.secrets[one.name] ?? [], (name) => ({ name }), 'secrets'),
    ),
  'GET /repos/{owner}/{repo}/actions/secrets': (call) =>
    page(call, call.state.secrets[''] ?? [], (name) => ({ name }), 'secrets'),
} satisfies Handlers as Handlers;

/** The environment of this name, as GitHub compares names. */
export function environmentNamed(state: Call['state'], name: string): StoredEnvironment | undefined {
  return state.environments.find((one) => one.name.toLowerCase() === name.toLowerCase());
}

function find(call: Call): StoredEnvironment | undefined {
  return environmentNamed(call.state, text(call.params['environment_name']));
}

function withEnvironment(call: Call, answer: (one: StoredEnvironment) => Answer): Answer {
  const one = find(call);
  return one ? answer(one) : notFound();
}

function shape(call: Call, one: StoredEnvironment): unknown {
  return {
    id: one.id,
    name: one.name,
    html_url: `https://github.com/${call.owner}/${call.repo}/deployments/activity_log?environments_filter=${one.name}`,
    protection_rules: [
      ...(one.waitTimer > 0
        ? [{ id: one.id * 10, node_id: '', type: 'wait_timer', wait_timer: one.waitTimer }]
        : []),
      ...(one.reviewers.length > 0
        ? [
            {
              id: one.id * 10 + 1,
              node_id: '',
              type: 'required_reviewers',
              prevent_self_review: one.preventSelfReview,
              reviewers: reviewersOf(call, one),
            },
          ]
        : []),
      ...(one.branchPolicy ? [{ id: one.id * 10 + 2, node_id: '', type: 'branch_policy' }] : []),
    ],
    deployment_branch_policy: one.branchPolicy,
  };
}

/** Reviewers as GitHub shows them: whole users and teams. */
export function reviewersOf(call: Call, { reviewers }: StoredEnvironment): unknown[] {
  return reviewers.map(({ type, id }) => {
    if (type === 'User') {
      const login = Object.entries(call.state.users).find(([, user]) => user.id === id)?.[0] ?? '';
      return { type, reviewer: userOf(call, login) };
    }
    const [slug = ''] = Object.entries(call.state.teams).find(([, team]) => team.id === id) ?? [];
    return { type, reviewer: teamShape(slug, id) };
  });
}

export function teamShape(name: string, id: number): Record<string, unknown> {
  const [org = '', slug = ''] = name.split('/');
  return { id, slug, name: slug, html_url: `https://github.com/orgs/${org}/teams/${slug}` };
}
