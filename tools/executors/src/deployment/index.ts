export { deploy, type DeployOptions } from './deploy.ts';
export { planDeployment, type PrepareOptions } from './prepare.ts';
export { assembleDeploymentPlan, type DeployRequest, type HostNow, type PlanInput } from './plan.ts';
export { rollbackServices, type ReturnOptions } from './rollback.ts';
export { planReturn, type ReturnPlan, type ReturnRequest } from './rollback-plan.ts';
export { driftOf, formatReleases, listReleases, type ReleasesReport } from './releases.ts';
export { readEnvFile } from './variables.ts';
export type { DeploymentResult } from './results.ts';
export type * from './types.ts';
