export { announce, type AnnounceOptions } from './announce.ts';
export { formatOutcome } from './format.ts';
export type { Outcome } from './types.ts';
