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
  /** What holds jobs up before an environment, as GitHub has it now. @throws GITHUB_… */
  protection(environment: string): Promise<Protection>;
  /** Who started the newest attempt of the run: another one than the actor, where somebody ran it again. @throws GITHUB_… */
  startedBy(run: string): Promise<string[]>;
  /** The user whom GitHub knows by an e-mail address of a commit. @throws GITHUB_… */
  login(email: string): Promise<string | undefined>;
}

/** What lets a job wait before it gets into an environment. */
export interface Protection {
  /** People have to review. */
  reviewers: boolean;
  waitMinutes: number;
  /** A rule of somebody else's making. */
  others: boolean;
}

export interface RunningJobInput {
  env: NodeJS.ProcessEnv;
  /** From the policy. */
  rules: JobRules;
  github: () => GitHub;
  now?: () => Date;
}

interface Rule {
  type: string;
  wait_timer?: number;
  reviewers?: unknown[];
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
  const protections = new Memory<Protection>();
  const starters = new Memory<string[]>();
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
    protection: (environment) =>
      protections.of(environment, async () => {
        const found = await github().find<{ protection_rules?: Rule[] }>(
          'GET /repos/{owner}/{repo}/environments/{environment_name}',
          { environment_name: environment },
        );
        return protectionOf(found?.protection_rules ?? []);
      }),
    startedBy: (run) =>
      starters.of(run, async () => {
        const { actor, triggering_actor } = await github().request<{
          actor?: { login: string };
          triggering_actor?: { login: string };
        }>('GET /repos/{owner}/{repo}/actions/runs/{run_id}', { run_id: Number(run) });
        return [actor, triggering_actor].flatMap((user) => user?.login ?? []);
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

function protectionOf(rules: readonly Rule[]): Protection {
  return {
    reviewers: rules.some(
      ({ type, reviewers = [] }) => type === 'required_reviewers' && reviewers.length > 0,
    ),
    waitMinutes: rules.find(({ type }) => type === 'wait_timer')?.wait_timer ?? 0,
    // Which branches may use it holds nothing up, and is proved by the token.
    others: rules.some(({ type }) => !['required_reviewers', 'wait_timer', 'branch_policy'].includes(type)),
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
