export { openProgress, type Progress, type Watched } from './progress.ts';
export { hostLines } from './plain.ts';
export { openTaskProgress, plainProgress } from './task.ts';
