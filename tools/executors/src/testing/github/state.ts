/** What the server holds. Tests set it up and look at it; all of it is plain values. */
export interface State {
  repository: {
    id: number;
    visibility: 'public' | 'private';
    /** What the owner pays for: private repositories have reviewers and timers on `enterprise` alone. */
    plan: 'free' | 'team' | 'enterprise';
    defaultBranch: string;
  };
  users: Record<string, User>;
  /** By `organisation/slug`. */
  teams: Record<string, { id: number; members: string[] }>;
  /** Who a token is; any other one is the job's own, `github-actions[bot]`. */
  tokens: Record<string, string>;
  environments: StoredEnvironment[];
  runs: Run[];
  issues: Issue[];
  comments: Comment[];
  deployments: Deployment[];
  releases: Release[];
  attestations: { id: number; subject: string; bundle: unknown }[];
  rulesets: Ruleset[];
  branches: Record<string, { sha: string; protected?: boolean }>;
  tags: Record<string, string>;
  commits: Commit[];
  pulls: Pull[];
  /** Names of the secrets, by environment; those of the repository under ''. */
  secrets: Record<string, string[]>;
}
export interface User {
  id: number;
  permission: 'admin' | 'maintain' | 'write' | 'triage' | 'read' | 'none';
  type?: 'User' | 'Bot';
}
export interface StoredEnvironment {
  id: number;
  name: string;
  waitTimer: number;
  preventSelfReview: boolean;
  reviewers: { type: 'User' | 'Team'; id: number }[];
  branchPolicy: { protected_branches: boolean; custom_branch_policies: boolean } | null;
  branches: { id: number; name: string }[];
}
export interface Run {
  id: number;
  attempt: number;
  name: string;
  /** `.github/workflows/release.yml` */
  path: string;
  event: string;
  branch: string;
  sha: string;
  actor: string;
  /** Who ran it again, where that was somebody else. */
  triggeredBy?: string;
  /** Names of environments that a job of it waits for. */
  pending: string[];
  approvals: { environments: string[]; state: 'approved' | 'rejected'; user: string; comment: string }[];
}
export interface Issue {
  number: number;
  title: string;
  body: string;
  state: 'open' | 'closed';
  user: string;
  labels: string[];
  assignees: string[];
  pull?: boolean;
}
export interface Comment {
  id: number;
  issue: number;
  user: string;
  body: string;
  created_at: string;
  updated_at: string;
}
export interface Deployment {
  id: number;
  sha: string;
  ref: string;
  task: string;
  environment: string;
  description: string | null;
  payload: unknown;
  creator: string;
  transient: boolean;
  production: boolean;
  statuses: DeploymentStatus[];
}
export interface DeploymentStatus {
  id: number;
  state: string;
  description: string;
  log_url: string;
  environment_url: string;
  environment: string;
}
export interface Release {
  id: number;
  tag: string;
  target: string;
  name: string | null;
  body: string;
  draft: boolean;
  prerelease: boolean;
  latest: boolean;
  assets: {
    id: number;
    name: string;
    label: string | null;
    type: string;
    bytes: Buffer;
    state: 'uploaded' | 'open';
  }[];
}
export interface Ruleset {
  id: number;
  name: string;
  target: 'branch' | 'tag';
  enforcement: 'active' | 'disabled' | 'evaluate';
  include: string[];
  exclude: string[];
  rules: { type: string; parameters?: object }[];
}
export interface Commit {
  sha: string;
  message: string;
  /** Login; undefined where the mail belongs to nobody. */
  author?: string;
  /** The e-mail address in the commit. */
  email?: string;
}
export interface Pull {
  number: number;
  title: string;
  body: string;
  commits: string[];
  mergeCommit: string | null;
  author: string;
}

/** The run of release.yml on main that a test's job belongs to; the issuer's jobs name the same one. */
export function releaseRun(more: Partial<Run> = {}): Run {
  return {
    id: 100_001,
    attempt: 1,
    name: 'release',
    path: '.github/workflows/release.yml',
    event: 'push',
    branch: 'main',
    sha: 'a'.repeat(40),
    actor: 'dev',
    pending: [],
    approvals: [],
    ...more,
  };
}

export const BOT = 'github-actions[bot]';

export function emptyState(owner: string): State {
  return {
    repository: { id: 74, visibility: 'public', plan: 'free', defaultBranch: 'main' },
    users: {
      [owner]: { id: 65, permission: 'admin' },
      [BOT]: { id: 41898282, permission: 'write', type: 'Bot' },
    },
    teams: {},
    tokens: {},
    environments: [],
    runs: [],
    issues: [],
    comments: [],
    deployments: [],
    releases: [],
    attestations: [],
    rulesets: [],
    branches: { main: { sha: 'a'.repeat(40) } },
    tags: {},
    commits: [],
    pulls: [],
    secrets: {},
  };
}
