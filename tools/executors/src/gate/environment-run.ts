import type { EnvironmentRun, RunApproval } from '../ledger/types.ts';
import { durationMs } from '../pipeline/index.ts';
import type { GitHubEnvironmentOptions } from '../pipeline/types.ts';
import { planHash } from './plan-hash.ts';
import { sameEnvironment, type Protection } from './running-job.ts';
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
  const wanted = environmentOptions(policy.options.github.environments, name);
  const there = await job.protection(name);
  const unprotected = protectionProblem(name, wanted, there);
  if (unprotected) return no(unprotected);
  const given = await job.approvals(run_id, name);
  const self = wanted.preventSelfReview ? [actor, ...(await job.startedBy(run_id))] : [];
  const approvals = reviewsOf(wanted, given).filter(
    ({ login }) => !self.some((one) => sameLogin(one, login)),
  );
  // Whoever administers the repository can let a job pass by its reviewers, or become one for a minute.
  if (there.reviewers && approvals.length === 0) return no(nobody(run_id, name, wanted, given));
  return { ok: true, run: { name, run: run_id, attempt: run_attempt, sha, actor, approvals } };
}

/** What is asked of an environment by name, in whichever case it is written. */
export function environmentOptions(
  all: Readonly<Record<string, GitHubEnvironmentOptions>>,
  name: string,
): GitHubEnvironmentOptions {
  return Object.entries(all).find(([one]) => sameEnvironment(one, name))?.[1] ?? {};
}

/**
 * Those who may review by nx.json, of those who did. GitHub does not tell a job who is in a team: where nx.json names one, it
 * is GitHub's word that lets a reviewer count.
 */
export function reviewsOf<T extends Pick<RunApproval, 'login'>>(
  { reviewers = [] }: GitHubEnvironmentOptions,
  given: readonly T[],
): T[] {
  if (reviewers.length === 0 || reviewers.some((one) => one.includes('/'))) return [...given];
  return given.filter(({ login }) => reviewers.some((one) => sameLogin(one, login)));
}

/**
 * Why the environment, as GitHub has it now, proves nothing. An environment that a job only names is made by that, and lets
 * everybody in. And an approval says nothing of when it was given: what asks nobody any more cannot have asked for this attempt.
 */
function protectionProblem(
  name: string,
  { reviewers = [], wait }: GitHubEnvironmentOptions,
  there: Protection,
): string | undefined {
  if (reviewers.length > 0 && !there.reviewers)
    return `GitHub asks nobody before it lets a job into ${name}, though nx.json gives it reviewers`;
  const minutes = wait === undefined ? 0 : durationMs(wait) / 60_000;
  if (there.waitMinutes < minutes)
    return `GitHub lets jobs into ${name} after ${there.waitMinutes} min, not after the ${minutes} min of nx.json`;
  if (!there.reviewers && there.waitMinutes === 0 && !there.others)
    return `GitHub lets every job into ${name}: nobody is asked, and nothing is waited for`;
  return undefined;
}

function nobody(
  run: string,
  name: string,
  { reviewers = [] }: GitHubEnvironmentOptions,
  given: readonly RunApproval[],
): string {
  const others = given.map(({ login }) => login).join(', ');
  if (reviewers.length === 0) return `nobody approved run ${run} for ${name}, though it has reviewers`;
  return `nobody approved run ${run} for ${name} who may by nx.json (${reviewers.join(', ')})${others && `; ${others} did`}`;
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
