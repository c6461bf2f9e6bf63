import type { JWTPayload } from 'jose';

/** What GitHub says about a job in its token. Source: "OpenID Connect reference" in GitHub's documentation. */
export interface JobClaims {
  iss: string;
  aud: string;
  /** Seconds since 1970. */
  iat: number;
  exp: number;
  /** `owner/name`. */
  repository: string;
  /** Stays when the repository is renamed. */
  repository_id: string;
  repository_owner: string;
  /** The environment that the job runs in, with all that its protection rules ask for; undefined without one. */
  environment?: string;
  sha: string;
  ref: string;
  run_id: string;
  run_attempt: string;
  /** Login of the one who started the run. */
  actor: string;
  /** `owner/name/.github/workflows/file.yml@ref` of the workflow that was started. */
  workflow_ref: string;
  /** The same of the workflow that the job stands in: another one where a reusable workflow was called. */
  job_workflow_ref: string;
  event_name: string;
  runner_environment: string;
}

const TEXTS = [
  'iss',
  'aud',
  'repository',
  'repository_id',
  'repository_owner',
  'sha',
  'ref',
  'run_id',
  'run_attempt',
  'actor',
  'workflow_ref',
  'job_workflow_ref',
  'event_name',
  'runner_environment',
] as const;
const NUMBERS = ['iat', 'exp'] as const;

/** The claims of a job, or the name of the one that is missing or no text. */
export function jobClaims(payload: JWTPayload): { claims: JobClaims } | { missing: string } {
  const claims: Record<string, unknown> = {};
  for (const name of TEXTS) {
    const value = payload[name];
    if (typeof value !== 'string' || value === '') return { missing: name };
    claims[name] = value;
  }
  for (const name of NUMBERS) {
    const value = payload[name];
    if (typeof value !== 'number') return { missing: name };
    claims[name] = value;
  }
  const { environment } = payload;
  if (environment !== undefined && environment !== '') {
    if (typeof environment !== 'string') return { missing: 'environment' };
    claims['environment'] = environment;
  }
  return { claims: claims as unknown as JobClaims };
}
