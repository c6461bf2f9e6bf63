export type * from './types.ts';
export { IMAGES } from './types.ts';
export { parseService, readService, SERVICE_FILE, type ReadOptions } from './read.ts';
export { isPathBelow } from './paths.ts';
