export { openProgress, type Progress, type Watched } from './progress.ts';
export { retryLine } from './plain.ts';
