import type { EnvironmentRun } from '../ledger/types.ts';
import { planHash } from './plan-hash.ts';
import { sameEnvironment } from './running-job.ts';
import type { GateContext } from './types.ts';

export type Behind = { ok: true; run: EnvironmentRun } | { ok: false; problem: string };

/** Whether this runs as a job behind the gate's environment, proved for exactly what is to be promoted; and who let it in. */
export async function behindEnvironment(context: GateContext, name: string): Promise<Behind> {
  const { job, policy } = context;
  if (!job) return no(`not run by a job of GitHub Actions in the environment ${name}`);
  const proof = await job.prove(planOf(context));
  if (!proof.ok) return no(`this job proves nothing: ${proof.problem}`);
  const { environment, run_id, run_attempt, sha, actor } = proof.claims;
  if (environment === undefined) return no(`this job runs in no environment, not in ${name}`);
  if (!sameEnvironment(environment, name))
    return no(`this job runs in the environment ${environment}, not in ${name}`);
  const given = await job.approvals(run_id, name);
  const { reviewers, preventSelfReview } = environmentOptions(policy.options.github.environments, name);
  const approvals = preventSelfReview ? given.filter(({ login }) => !sameLogin(login, actor)) : given;
  // Whoever administers the repository can take the reviewers away, or let a job pass by them.
  if (reviewers.length > 0 && approvals.length === 0)
    return no(`nobody approved run ${run_id} for ${name}, though nx.json gives it reviewers`);
  return { ok: true, run: { name, run: run_id, attempt: run_attempt, sha, actor, approvals } };
}

/** What is asked of an environment by name, in whichever case it is written. */
function environmentOptions(all: GateContext['policy']['options']['github']['environments'], name: string) {
  const found = Object.entries(all).find(([one]) => sameEnvironment(one, name))?.[1];
  return { reviewers: found?.reviewers ?? [], preventSelfReview: found?.preventSelfReview === true };
}

function planOf({ repositoryIdentity, registryIdentity, stage, items }: GateContext): string {
  const { pipeline, name } = stage;
  return planHash({
    repository: repositoryIdentity,
    pipeline,
    stage: name,
    registry: registryIdentity,
    items,
  });
}

export function sameLogin(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

const no = (problem: string): Behind => ({ ok: false, problem });
