import { errors as joseErrors, importJWK, jwtVerify, type JWK } from 'jose';
import { jobClaims, type JobClaims } from './claims.ts';

export interface VerifyTokenInput {
  token: string;
  /** As the policy has it. */
  issuer: string;
  audience: string;
  /** Keys that are trusted, whichever of them signed. */
  keys: Iterable<JWK>;
  /** When the token has to be valid; without it, when it was made. */
  at?: Date;
}
export type JobToken = { ok: true; claims: JobClaims; key: JWK } | { ok: false; problem: string };

/** Neither `none` nor secrets that both sides know; the algorithm goes with the key, not with what the token says. */
const ALGORITHMS: Record<string, string> = { RSA: 'RS256', EC: 'ES256' };
/** Clocks of two machines may differ by this much, in seconds. */
const SKEW = 60;

/** Whether one of the keys signed this token for this audience, and what it says then. */
export async function verifyToken({
  token,
  issuer,
  audience,
  keys,
  at,
}: VerifyTokenInput): Promise<JobToken> {
  for (const key of keys) {
    const algorithm = ALGORITHMS[key.kty ?? ''];
    if (algorithm === undefined) continue;
    try {
      const { payload } = await jwtVerify(token, await importJWK(key, algorithm), {
        algorithms: [algorithm],
        issuer,
        audience,
        clockTolerance: SKEW,
        currentDate: at ?? madeAt(token),
        requiredClaims: ['iat', 'exp'],
      });
      const read = jobClaims(payload);
      if ('missing' in read) return no(`its claim "${read.missing}" is missing or no text`);
      return { ok: true, claims: read.claims, key };
    } catch (error) {
      if (!isOtherKeys(error)) return no(problemOf(error, issuer, audience));
    }
  }
  return no(`no key of ${issuer} signed it`);
}

/** The claim is believed for the question of time alone; the signature over it is checked all the same. */
function madeAt(token: string): Date {
  try {
    const { iat } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
    return new Date(typeof iat === 'number' ? iat * 1000 : 0);
  } catch {
    return new Date(0);
  }
}

/** Another key may still fit: this one did not sign it, or is for another algorithm. */
function isOtherKeys(error: unknown): boolean {
  return (
    error instanceof joseErrors.JWSSignatureVerificationFailed ||
    error instanceof joseErrors.JOSEAlgNotAllowed ||
    error instanceof TypeError
  );
}

function problemOf(error: unknown, issuer: string, audience: string): string {
  if (error instanceof joseErrors.JWTExpired) return `it expired at ${instant(error.payload.exp)}`;
  if (error instanceof joseErrors.JWTClaimValidationFailed) {
    const { claim, payload } = error;
    if (claim === 'iss') return `${String(payload.iss)} made it, not ${issuer}`;
    if (claim === 'aud') return `it is for another audience (${String(payload.aud)}), not ${audience}`;
    if (claim === 'nbf') return `it is not valid before ${instant(payload.nbf)}`;
    return `its claim "${claim}" is missing or wrong`;
  }
  return 'it is no token';
}

const instant = (seconds: number | undefined): string => new Date((seconds ?? 0) * 1000).toISOString();
const no = (problem: string): JobToken => ({ ok: false, problem });
