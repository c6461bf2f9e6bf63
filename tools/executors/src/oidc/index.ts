export { mayRequestToken, requestToken, type RequestInput } from './request.ts';
export { issuerAt, openIssuer, thumbprint, type Issuer } from './issuer.ts';
export { verifyToken, type JobToken, type VerifyTokenInput } from './verify.ts';
export type { JobClaims } from './claims.ts';
export type { JWK } from 'jose';
export { provenJob } from './job.ts';
export { jobIsAside, jobPrincipal, jobProblem, type JobRules } from './rules.ts';
