import type { Octokit } from '@octokit/core';

/** One repository on GitHub, and what can be asked of its API. */
export interface GitHub {
  owner: string;
  repo: string;
  /** Where people see the repository. */
  url: string;
  /** Address of the REST API. */
  api: string;
  /**
   * One request, such as `request('GET /repos/{owner}/{repo}/issues/{issue_number}', { issue_number: 7 })`; owner and
   * repo are filled in. Reading is repeated when GitHub fails, writing is not: who writes looks first what is there.
   * @throws GITHUB_REFUSED, GITHUB_FAILED, GITHUB_UNREACHABLE, GITHUB_RATE_LIMITED, GITHUB_TOKEN_MISSING
   */
  request<T = unknown>(route: string, params?: Params): Promise<T>;
  /** All pages of a list. Throws what `request` throws. */
  paginate<T = unknown>(route: string, params?: Params): Promise<T[]>;
  /** `request`, and undefined where GitHub says that there is no such thing (404), which it also says to who may not know. */
  find<T = unknown>(route: string, params?: Params): Promise<T | undefined>;
  /** The client with its retries and limits, for libraries that make their own of it. */
  Octokit(): Promise<typeof Octokit>;
}
export type Params = Record<string, unknown>;
