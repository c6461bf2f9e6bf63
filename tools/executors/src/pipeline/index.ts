export type * from './types.ts';
export { durationMs } from './duration.ts';
export { optionsFromNxJson, parseOptions, readOptions } from './options.ts';
export * from './stages.ts';
