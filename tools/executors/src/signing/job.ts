import { createHash } from 'node:crypto';
import { canonicalHash, errors } from '../foundation/index.ts';
import {
  issuerAt,
  jobPrincipal,
  jobProblem,
  provenJob,
  requestToken,
  thumbprint,
  verifyToken,
  type JobClaims,
  type JobRules,
  type JWK,
} from '../oidc/index.ts';
import type { PublicKey, Signature, Signer } from '../ledger/types.ts';

export type JobSignature = Extract<Signature, { format: 'oidc' }>;

/** A job lives for six hours at most (GitHub's own limit); what it did first may be recorded at its end. */
const JOB_MS = 6 * 3_600_000;
const SKEW_MS = 5 * 60_000;

/** What the token of a batch's signature is for: these records, and the keys that were seen beside its own. */
function recordsAudience(data: string, seen: readonly string[]): string {
  const records = createHash('sha256').update(data).digest('hex');
  return `sluice:${canonicalHash({ records, seen: [...seen] })}`;
}

/** What a token is for that only shows who the job is. */
const PROBE = 'sluice:probe';

export interface JobSignerInput {
  env: NodeJS.ProcessEnv;
  rules: JobRules;
}

/**
 * Signs as the CI job that this runs in: GitHub makes a token for the job whose audience is the hash of what is signed,
 * so there is no key to keep or to lose. Whether the job may sign is found out at once, before anything is moved that
 * could not be recorded then.
 * @throws OIDC_REQUEST_FAILED, OIDC_ISSUER_UNREACHABLE, OIDC_ISSUER_INVALID, JOB_MAY_NOT_SIGN; `sign` too
 */
export async function openJobSigner({ env, rules }: JobSignerInput): Promise<Signer> {
  const job = await provenJob(env, rules, PROBE);
  if (!job.ok) throw errors.JOB_MAY_NOT_SIGN({ problem: job.problem });
  const issuer = issuerAt(rules.issuer);
  const principal = jobPrincipal(job.claims.workflow_ref);
  return {
    principal,
    sign: async (data) => {
      const { problem, ...signature } = await signed(data, await issuer.keys());
      if (!problem) return signature;
      // Its keys may have changed since they were read.
      const again = await signed(data, await issuer.keys('fresh'));
      if (again.problem) throw errors.JOB_MAY_NOT_SIGN({ problem: again.problem });
      const { problem: _, ...second } = again;
      return second;
    },
  };

  async function signed(
    data: string,
    keys: ReadonlyMap<string, JWK>,
  ): Promise<JobSignature & { problem?: string }> {
    const seen = [...keys.keys()].sort();
    const audience = recordsAudience(data, seen);
    const value = await requestToken({ env, audience });
    const made = await verifyToken({ token: value, issuer: rules.issuer, audience, keys: keys.values() });
    const key = (made.ok ? made.key : {}) as PublicKey;
    const signature: JobSignature = { format: 'oidc', principal, value, key, seen };
    if (!made.ok) return { ...signature, problem: made.problem };
    const problem = claimsProblem(made.claims, principal, rules);
    return problem ? { ...signature, problem } : signature;
  }
}

export interface VerifyJobInput {
  /** The canonical JSON of the records. */
  data: string;
  signature: JobSignature;
  rules: JobRules;
  /** What the records say about when they were made. */
  at: Date;
  /** Whether a key, by its thumbprint, is or was one of the issuer's. */
  trusted(thumbprint: string): Promise<boolean> | boolean;
}
export type JobVerification = { ok: true; claims: JobClaims } | { ok: false; problem: string };

/** Whether GitHub vouches that a job which may sign signed exactly these records, at about the time that they name. */
export async function verifyJobSignature(input: VerifyJobInput): Promise<JobVerification> {
  const { data, signature, rules, at } = input;
  const key = signature.key as JWK;
  const name = await thumbprint(key).catch(() => undefined);
  if (name === undefined) return no('its key is none');
  if (!(await input.trusted(name))) return no(`its key ${name} is none of ${rules.issuer}`);
  const audience = recordsAudience(data, signature.seen);
  const token = { token: signature.value, issuer: rules.issuer, audience, keys: [key] };
  const made = await verifyToken(token);
  if (!made.ok) return no(made.problem);
  const problem = claimsProblem(made.claims, signature.principal, rules);
  if (problem) return no(problem);
  const late = made.claims.iat * 1000 - at.getTime();
  if (late < -SKEW_MS || late > JOB_MS + SKEW_MS)
    return no(
      `its token was made at ${new Date(made.claims.iat * 1000).toISOString()}, not at ${at.toISOString()}`,
    );
  return { ok: true, claims: made.claims };
}

function claimsProblem(claims: JobClaims, principal: string, rules: JobRules): string | undefined {
  const problem = jobProblem(claims, rules);
  if (problem) return problem;
  const named = jobPrincipal(claims.workflow_ref);
  return named === principal ? undefined : `it names ${principal}, but ${named} signed it`;
}

const no = (problem: string): JobVerification => ({ ok: false, problem });
