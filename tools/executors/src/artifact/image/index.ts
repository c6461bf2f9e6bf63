export type * from './types.ts';
export { BUNDLE_TYPE, SBOM_TYPE } from './types.ts';
export { buildImageArtifact, planImageBuild, type ImageBuildInput, type ImageBuildPlan } from './build.ts';
export { detectBuilder, type Builder, type BuilderName } from './builders/index.ts';
export { readImageArtifact, type ImageArtifact } from './read.ts';
