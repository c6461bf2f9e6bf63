export { nextPause, order, runRows } from './engine.ts';
export type { Clock, Outcome, RunOptions, StepEvent, Subject } from './engine.ts';
export type { RetryPolicy, Row } from './types.ts';
