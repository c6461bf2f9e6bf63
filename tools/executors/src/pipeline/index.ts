export type * from './types.ts';
export { durationMs } from './duration.ts';
export { optionsFromNxJson, parseOptions, readOptions } from './options.ts';
export * from './stages.ts';
export * from './services.ts';
export { tagsFor, type TagFields } from './image-tags.ts';
