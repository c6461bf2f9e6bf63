export { startGitHub, type Asked, type Fault, type GitHubOptions, type TestGitHub } from './server.ts';
export { OPERATIONS, type Operation } from './operations.ts';
export { BOT, releaseRun } from './state.ts';
export type * from './state.ts';
