export { openGitHub, githubToken, TOKEN_VARIABLES, type GitHubInput } from './client.ts';
export { refusal, statusOf, type Asked } from './answers.ts';
export type { GitHub, Params } from './types.ts';
