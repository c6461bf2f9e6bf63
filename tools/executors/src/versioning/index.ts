export { release, type ReleaseOptions, type ReleaseOutcome } from './release.ts';
export { buildAfresh } from './build.ts';
export type * from './types.ts';
