import type { JobClaims } from './claims.ts';

/** Which jobs count; from the policy, never from the job itself. */
export interface JobRules {
  issuer: string;
  /** `owner/name`; undefined where nobody said it and the remote is not GitHub's: then no job counts. */
  repository: string | undefined;
  /** File names below `.github/workflows`. */
  workflows: readonly string[];
  /** Branches whose workflows count: what runs on any other is what somebody may push without a review. */
  branches: readonly string[];
}

/** Events whose jobs run with the rights of the repository on somebody else's word. */
const REFUSED_EVENTS = ['pull_request', 'pull_request_target'];

/** Why a job does not count by these rules; undefined where it does. */
export function jobProblem(claims: JobClaims, rules: JobRules): string | undefined {
  if (rules.repository === undefined)
    return 'the policy names no repository on GitHub (options.github.repository), so no job counts';
  if (claims.repository.toLowerCase() !== rules.repository.toLowerCase())
    return `it is of a job in ${claims.repository}, not in ${rules.repository}`;
  if (REFUSED_EVENTS.includes(claims.event_name)) return `its job runs for the event ${claims.event_name}`;
  const branch = /^refs\/heads\/(.+)$/.exec(claims.ref)?.[1];
  if (branch === undefined || !rules.branches.includes(branch))
    return `its job runs on ${claims.ref}, not on ${rules.branches.join(' or ')}`;
  for (const reference of new Set([claims.workflow_ref, claims.job_workflow_ref])) {
    const problem = workflowProblem(reference, rules);
    if (problem) return problem;
  }
  return undefined;
}

/** `owner/name/.github/workflows/file.yml@refs/heads/branch` */
function workflowProblem(reference: string, rules: JobRules): string | undefined {
  const parts = /^([^/]+\/[^/]+)\/\.github\/workflows\/([^/@]+)@refs\/heads\/(.+)$/.exec(reference);
  const [, repository = '', file = '', branch = ''] = parts ?? [];
  const same = repository.toLowerCase() === rules.repository?.toLowerCase();
  if (same && rules.workflows.includes(file) && rules.branches.includes(branch)) return undefined;
  return `its workflow ${reference} is none that may sign (${rules.workflows.join(', ')} on ${rules.branches.join(' or ')})`;
}

/** How records name a job: by the workflow that was started, whichever run it is. */
export function jobPrincipal(workflowRef: string): string {
  return `github:${workflowRef.replace(/@.*$/, '')}`;
}
