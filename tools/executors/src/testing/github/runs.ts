import { notFound, ok, page, refused, text, userOf, type Answer, type Call, type Handlers } from './call.ts';
import { environmentNamed, reviewersOf } from './environments.ts';
import type { Run, StoredEnvironment } from './state.ts';

const RUN = '/repos/{owner}/{repo}/actions/runs/{run_id}';

export const runs = {
  'GET /repos/{owner}/{repo}/actions/runs': (call) =>
    page(call, call.state.runs, (run) => shape(call, run), 'workflow_runs'),
  [`GET ${RUN}`]: (call: Call) => withRun(call, (run) => ok(shape(call, run))),

  [`GET ${RUN}/approvals`]: (call: Call) =>
    withRun(call, (run) =>
      ok(
        run.approvals.map(({ environments, state, user, comment }) => ({
          environments: environments.map((name) => ({
            id: environmentNamed(call.state, name)?.id ?? 0,
            name,
            created_at: call.now,
            updated_at: call.now,
          })),
          state,
          user: userOf(call, user),
          comment,
        })),
      ),
    ),

  [`GET ${RUN}/pending_deployments`]: (call: Call) =>
    withRun(call, (run) =>
      ok(
        waiting(call, run).map((environment) => ({
          environment: { id: environment.id, name: environment.name },
          wait_timer: environment.waitTimer,
          wait_timer_started_at: null,
          current_user_can_approve: mayApprove(call, run, environment),
          reviewers: reviewersOf(call, environment),
        })),
      ),
    ),

  [`POST ${RUN}/pending_deployments`]: (call: Call) =>
    withRun(call, (run) => {
      const ids = call.body['environment_ids'] as number[];
      const chosen = waiting(call, run).filter(({ id }) => ids.includes(id));
      if (chosen.length < ids.length)
        return refused(422, 'No pending deployment requests to approve or reject');
      if (!chosen.every((one) => mayApprove(call, run, one)))
        return refused(403, 'You are not allowed to approve this deployment');
      const names = chosen.map(({ name }) => name);
      const state = call.body['state'] as 'approved' | 'rejected';
      run.pending = run.pending.filter((name) => !names.includes(name));
      run.approvals.push({
        environments: names,
        state,
        user: call.login,
        comment: text(call.body['comment']),
      });
      return ok(
        names.map((environment) => ({
          id: call.id(),
          sha: run.sha,
          ref: run.branch,
          task: 'deploy',
          environment,
          creator: userOf(call, run.actor),
        })),
      );
    }),
} satisfies Handlers as Handlers;

function withRun(call: Call, answer: (run: Run) => Answer): Answer {
  const run = call.state.runs.find(({ id }) => String(id) === call.params['run_id']);
  return run ? answer(run) : notFound();
}

function waiting(call: Call, run: Run): StoredEnvironment[] {
  return run.pending.flatMap((name) => environmentNamed(call.state, name) ?? []);
}

function mayApprove(
  { state, login }: Call,
  run: Run,
  { reviewers, preventSelfReview }: StoredEnvironment,
): boolean {
  if (preventSelfReview && run.actor === login) return false;
  return reviewers.some(({ type, id }) =>
    type === 'User'
      ? state.users[login]?.id === id
      : Object.values(state.teams).some((team) => team.id === id && team.members.includes(login)),
  );
}

function shape(call: Call, run: Run): unknown {
  const page = `https://github.com/${call.owner}/${call.repo}/actions/runs/${run.id}`;
  return {
    id: run.id,
    name: run.name,
    path: run.path,
    event: run.event,
    status: run.pending.length > 0 ? 'waiting' : 'in_progress',
    run_number: 1,
    run_attempt: run.attempt,
    head_branch: run.branch,
    head_sha: run.sha,
    html_url: page,
    actor: userOf(call, run.actor),
    triggering_actor: userOf(call, run.triggeredBy ?? run.actor),
    repository: {
      id: call.state.repository.id,
      name: call.repo,
      full_name: `${call.owner}/${call.repo}`,
      owner: userOf(call, call.owner),
    },
    head_repository: {
      id: call.state.repository.id,
      name: call.repo,
      full_name: `${call.owner}/${call.repo}`,
      owner: userOf(call, call.owner),
    },
    head_commit: null,
  };
}
