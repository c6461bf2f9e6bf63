declare module '@semantic-release/github' {
  /** What a plugin of semantic-release is given, as far as this one reads it. */
  interface Context {
    cwd: string;
    env: Record<string, string | undefined>;
    options: { repositoryUrl: string };
    branch: { name: string; type: 'release' | 'prerelease'; main: boolean; prerelease: boolean };
    commits: { hash: string; message: string }[];
    nextRelease: {
      gitTag: string;
      gitHead: string;
      name: string;
      version: string;
      notes: string;
      channel?: string;
    };
    releases: { name: string; url?: string }[];
    logger: Record<'log' | 'warn' | 'error', (...args: unknown[]) => void>;
  }
  interface Config {
    githubApiUrl: string;
    githubUrl?: string;
    proxy: false;
    assets?: { path: string; name: string; label: string }[];
    successComment?: string;
    failCommentCondition: false;
  }
  interface Tools {
    Octokit: unknown;
  }
  export function publish(
    config: Config,
    context: Context,
    tools: Tools,
  ): Promise<{ url: string; name: string; id: number }>;
  export function success(config: Config, context: Context, tools: Tools): Promise<void>;
}
