export { collisions, wantedEnvironments } from './wanted.ts';
export { describe, differences } from './difference.ts';
export { presentEnvironments } from './read.ts';
export { apply, describeRefused } from './apply.ts';
export type * from './types.ts';
