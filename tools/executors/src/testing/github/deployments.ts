import { notFound, ok, page, refused, text, userOf, type Answer, type Call, type Handlers } from './call.ts';
import type { Deployment, DeploymentStatus } from './state.ts';

const DEPLOYMENTS = '/repos/{owner}/{repo}/deployments';
const LONGEST_DESCRIPTION = 140;

export const deployments = {
  [`GET ${DEPLOYMENTS}`]: (call: Call) => {
    const { query } = call;
    const same = (name: 'environment' | 'sha' | 'ref' | 'task', one: Deployment) =>
      (query.get(name) ?? 'none') === 'none' || query.get(name) === one[name];
    const found = call.state.deployments.filter((one) =>
      (['environment', 'sha', 'ref', 'task'] as const).every((name) => same(name, one)),
    );
    return page(call, found.toReversed(), (one) => shape(call, one));
  },
  [`POST ${DEPLOYMENTS}`]: (call: Call) => {
    const { body, state } = call;
    const ref = text(body['ref']);
    const sha = commitOf(call, ref);
    if (sha === undefined) return refused(422, `No ref found for: ${ref}`);
    // Both defaults are traps: GitHub would merge the default branch into the ref, and wait for checks.
    if (body['auto_merge'] !== false) return refused(409, 'Conflict merging main into the ref');
    if ((body['required_contexts'] as unknown[] | undefined)?.length !== 0)
      return refused(409, 'Conflict: Commit status checks failed');
    const environment = text(body['environment'], 'production');
    const deployment: Deployment = {
      id: call.id(),
      sha,
      ref,
      task: text(body['task'], 'deploy'),
      environment,
      description: text(body['description']) || null,
      payload: body['payload'] ?? {},
      creator: call.login,
      transient: body['transient_environment'] === true,
      production: (body['production_environment'] ?? environment === 'production') === true,
      statuses: [],
    };
    state.deployments.push(deployment);
    return ok(shape(call, deployment), 201);
  },
  [`GET ${DEPLOYMENTS}/{deployment_id}`]: (call: Call) => withDeployment(call, (one) => ok(shape(call, one))),
  [`GET ${DEPLOYMENTS}/{deployment_id}/statuses`]: (call: Call) =>
    withDeployment(call, (one) =>
      page(call, one.statuses.toReversed(), (status) => statusShape(call, one, status)),
    ),
  [`POST ${DEPLOYMENTS}/{deployment_id}/statuses`]: (call: Call) =>
    withDeployment(call, (one) => {
      const { body, state } = call;
      const description = text(body['description']);
      if (description.length > LONGEST_DESCRIPTION)
        return refused(422, 'description is too long (maximum is 140 characters)');
      const status: DeploymentStatus = {
        id: call.id(),
        state: text(body['state']),
        description,
        log_url: text(body['log_url']),
        environment_url: text(body['environment_url']),
        environment: text(body['environment'], one.environment),
      };
      one.statuses.push(status);
      if (status.state === 'success' && body['auto_inactive'] !== false)
        for (const other of state.deployments)
          if (
            other !== one &&
            other.environment === one.environment &&
            !other.transient &&
            !other.production &&
            other.statuses.at(-1)?.state === 'success'
          )
            other.statuses.push({ ...status, id: call.id(), state: 'inactive' });
      return ok(statusShape(call, one, status), 201);
    }),
} satisfies Handlers as Handlers;

/** The commit of a branch, a tag or a commit itself. */
export function commitOf({ state }: Call, ref: string): string | undefined {
  return state.branches[ref]?.sha ?? state.tags[ref] ?? (/^[0-9a-f]{40}$/.test(ref) ? ref : undefined);
}

function withDeployment(call: Call, answer: (one: Deployment) => Answer): Answer {
  const one = call.state.deployments.find(({ id }) => String(id) === call.params['deployment_id']);
  return one ? answer(one) : notFound();
}

function shape(call: Call, one: Deployment): unknown {
  return {
    id: one.id,
    sha: one.sha,
    ref: one.ref,
    task: one.task,
    payload: one.payload,
    environment: one.environment,
    original_environment: one.environment,
    description: one.description,
    creator: userOf(call, one.creator),
    transient_environment: one.transient,
    production_environment: one.production,
    created_at: call.now,
    updated_at: call.now,
    url: `${call.url}/repos/${call.owner}/${call.repo}/deployments/${one.id}`,
  };
}

function statusShape(call: Call, one: Deployment, status: DeploymentStatus): unknown {
  const urls = {
    ...(status.log_url ? { log_url: status.log_url, target_url: status.log_url } : {}),
    ...(status.environment_url ? { environment_url: status.environment_url } : {}),
  };
  return {
    id: status.id,
    state: status.state,
    description: status.description,
    environment: status.environment,
    creator: userOf(call, one.creator),
    created_at: call.now,
    updated_at: call.now,
    ...urls,
  };
}
