export type { Builder, BuilderName, BuildRequest, FoundImage } from './types.ts';
export { detectBuilder, type DetectOptions } from './detect.ts';
