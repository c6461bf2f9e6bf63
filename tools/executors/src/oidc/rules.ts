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
  /** Where else services are deployed from into stages without a gate. What is signed there counts for no more than that. */
  aside: { branches: readonly string[]; pullRequests: boolean };
}

/** Why a job does not count by these rules; undefined where it does. */
export function jobProblem(claims: JobClaims, rules: JobRules): string | undefined {
  if (rules.repository === undefined)
    return 'the policy names no repository on GitHub (options.github.repository), so no job counts';
  if (!same(claims.repository, rules.repository))
    return `it is of a job in ${claims.repository}, not in ${rules.repository}`;
  // It runs with the rights of the repository on the word of whoever opened the pull request.
  if (claims.event_name === 'pull_request_target') return `its job runs for the event ${claims.event_name}`;
  const { ref } = claims;
  if (!isMain(ref, rules) && !isAside(ref, rules))
    return `its job runs on ${ref}, not on ${[...rules.branches, ...rules.aside.branches].join(' or ')}`;
  for (const reference of new Set([claims.workflow_ref, claims.job_workflow_ref])) {
    const problem = workflowProblem(reference, rules);
    if (problem) return problem;
  }
  return undefined;
}

/** Whether a job that counts runs where less than on the default branch is looked after: it opens no gate, and approves nothing. */
export function jobIsAside({ ref, workflow_ref, job_workflow_ref }: JobClaims, rules: JobRules): boolean {
  const refs = [workflow_ref, job_workflow_ref].map((one) => one.replace(/^[^@]*@/, ''));
  return ![ref, ...refs].every((one) => isMain(one, rules));
}

const branchOf = (ref: string): string | undefined => /^refs\/heads\/(.+)$/.exec(ref)?.[1];
const isMain = (ref: string, { branches }: JobRules): boolean => branches.includes(branchOf(ref) ?? '');
/** A fork's pull request gets no token at all. */
const isAside = (ref: string, { aside }: JobRules): boolean =>
  aside.branches.includes(branchOf(ref) ?? '') ||
  (aside.pullRequests && /^refs\/pull\/\d+\/merge$/.test(ref));
const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/** `owner/name/.github/workflows/file.yml@refs/heads/branch` */
function workflowProblem(reference: string, rules: JobRules): string | undefined {
  const parts = /^([^/]+\/[^/]+)\/\.github\/workflows\/([^/@]+)@(refs\/.+)$/.exec(reference);
  const [, repository = '', file = '', ref = ''] = parts ?? [];
  const known = same(repository, rules.repository ?? '') && rules.workflows.includes(file);
  if (known && (isMain(ref, rules) || isAside(ref, rules))) return undefined;
  return `its workflow ${reference} is none that may sign (${rules.workflows.join(', ')} on ${rules.branches.join(' or ')})`;
}

/** How records name a job: by the workflow that was started, whichever run it is. */
export function jobPrincipal(workflowRef: string): string {
  return `github:${workflowRef.replace(/@.*$/, '')}`;
}
