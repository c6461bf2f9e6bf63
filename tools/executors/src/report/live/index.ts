export { openProgress, type Progress, type Watched } from './progress.ts';
export { hostLine, waitingLine } from './plain.ts';
export { openTaskProgress } from './task.ts';
