export { openGitHub, githubToken, TOKEN_VARIABLES, type GitHubInput } from './client.ts';
export { statusOf } from './answers.ts';
export type { GitHub, Params } from './types.ts';
