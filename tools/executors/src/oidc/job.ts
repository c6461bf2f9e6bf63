import type { JobClaims } from './claims.ts';
import { issuerAt } from './issuer.ts';
import { requestToken } from './request.ts';
import { jobProblem, type JobRules } from './rules.ts';
import { verifyToken } from './verify.ts';

/**
 * What GitHub says about the job that this runs in, in a token made for one audience, if the job counts by the rules.
 * @throws OIDC_NOT_PERMITTED, OIDC_REQUEST_FAILED, OIDC_ISSUER_UNREACHABLE, OIDC_ISSUER_INVALID
 */
export async function provenJob(
  env: NodeJS.ProcessEnv,
  rules: JobRules,
  audience: string,
): Promise<{ ok: true; claims: JobClaims } | { ok: false; problem: string }> {
  const issuer = issuerAt(rules.issuer);
  const token = await requestToken({ env, audience });
  const check = async (fresh?: 'fresh') => {
    const keys = (await issuer.keys(fresh)).values();
    return verifyToken({ token, issuer: rules.issuer, audience, keys, at: new Date() });
  };
  let made = await check();
  // Its keys may have changed since they were read.
  if (!made.ok) made = await check('fresh');
  if (!made.ok) return made;
  const problem = jobProblem(made.claims, rules);
  return problem ? { ok: false, problem } : { ok: true, claims: made.claims };
}
