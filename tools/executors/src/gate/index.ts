export type * from './types.ts';
export { loadPolicy, type Policy, type PolicyInput } from './policy.ts';
export { policyHistory, type PolicyHistory } from './policy-history.ts';
export { checkClientFile } from './client-file.ts';
export { runningJob, type RunningJob } from './running-job.ts';
export { jobRules } from './signatures.ts';
export { evaluateGate } from './evaluate.ts';
export { judgeAdmission, type AdmissionInput } from './admission.ts';
export { explainClosed } from './explain.ts';
export {
  makeApproval,
  overrideFreeze,
  APPROVAL_EXPIRES_MS,
  type ApprovalInput,
  type OverrideInput,
} from './approve.ts';
export { planHash, type Planned } from './plan-hash.ts';
export { freezeStatus, type FreezeStatus } from './windows.ts';
export { auditHistory, type AuditInput, type AuditProblem } from './audit.ts';
