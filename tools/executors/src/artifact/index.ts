export type * from './types.ts';
export { buildArtifact, planPack, PROVENANCE_FILE, writeArtifact } from './build.ts';
export type { BuildInput, PackInput, PackPlan } from './build.ts';
export { readArtifact } from './read.ts';
export type { Artifact } from './read.ts';
export type { SbomComponent } from './sbom.ts';
export type { Sibling, Siblings } from './ranges.ts';
export { readWorkspace } from './workspace.ts';
export { tarballName } from './identity.ts';
