import type { GitHub } from '../github/index.ts';
import type { RunApproval } from '../ledger/types.ts';
import { jobIsAside, mayRequestToken, provenJob, type JobClaims, type JobRules } from '../oidc/index.ts';
import { Memory } from './memory.ts';

export type JobProof = { ok: true; claims: JobClaims } | { ok: false; problem: string };

/** The job of GitHub Actions that this runs in, as far as GitHub itself vouches for it. */
export interface RunningJob {
  /**
   * What GitHub says about this job in a token that is made for exactly this plan, if it is a job that counts.
   * @throws OIDC_REQUEST_FAILED, OIDC_ISSUER_UNREACHABLE, OIDC_ISSUER_INVALID
   */
  prove(planHash: string): Promise<JobProof>;
  /** Who approved the run for an environment. @throws GITHUB_… */
  approvals(run: string, environment: string): Promise<RunApproval[]>;
  /** The user whom GitHub knows by an e-mail address of a commit. @throws GITHUB_… */
  login(email: string): Promise<string | undefined>;
}

export interface RunningJobInput {
  env: NodeJS.ProcessEnv;
  /** From the policy. */
  rules: JobRules;
  github: () => GitHub;
  now?: () => Date;
}

interface Review {
  state: string;
  comment: string;
  environments: { name?: string }[];
  user: { login: string; id: number } | null;
}

/** Undefined outside of GitHub Actions, and in a job that may not ask for tokens. */
export function runningJob({
  env,
  rules,
  github,
  now = () => new Date(),
}: RunningJobInput): RunningJob | undefined {
  if (!mayRequestToken(env)) return undefined;
  const proofs = new Memory<JobProof>();
  const reviews = new Memory<RunApproval[]>();
  const logins = new Memory<string | undefined>();
  return {
    prove: (planHash) =>
      proofs.of(planHash, async () => {
        const proof = await provenJob(env, rules, `sluice:plan:${planHash}`);
        if (!proof.ok || !jobIsAside(proof.claims, rules)) return proof;
        return { ok: false, problem: `its job runs on ${proof.claims.ref}, where no gate is opened` };
      }),
    approvals: (run, environment) =>
      reviews.of(`${run} ${environment}`, async () => {
        const all = await github().request<Review[]>(
          'GET /repos/{owner}/{repo}/actions/runs/{run_id}/approvals',
          {
            run_id: Number(run),
          },
        );
        const read = now().toISOString();
        return all
          .filter(({ state, environments }) => state === 'approved' && environments.some(named(environment)))
          .flatMap(({ user, comment }) =>
            user ? [{ login: user.login, id: user.id, comment: comment ?? '', read }] : [],
          );
      }),
    login: (email) =>
      logins.of(email, async () => {
        const commits = await github().request<{ author: { login: string } | null }[]>(
          'GET /repos/{owner}/{repo}/commits',
          { author: email, per_page: 1 },
        );
        return commits[0]?.author?.login;
      }),
  };
}

const named =
  (environment: string) =>
  ({ name = '' }: { name?: string }) =>
    sameEnvironment(name, environment);

/** GitHub takes names of environments as the same whatever their case. */
export function sameEnvironment(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
