export type * from './types.ts';
export { IMAGES, SERVICE_FILE } from './types.ts';
export { parseService, readService, type ReadOptions } from './read.ts';
