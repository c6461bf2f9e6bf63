/** An environment as it should be. What is undefined stays as it is on GitHub. */
export interface Wanted {
  name: string;
  /** Logins, and `organisation/team`; none: nobody is asked. */
  reviewers?: string[];
  waitMinutes?: number;
  preventSelfReview?: boolean;
  branches?: string[];
}

/** An environment as it is on GitHub. */
export interface Present {
  name: string;
  reviewers: Reviewer[];
  waitMinutes: number;
  preventSelfReview: boolean;
  branches: BranchRule;
}
export interface Reviewer {
  type: 'User' | 'Team';
  id: number;
  /** Login, or `organisation/team`. */
  name: string;
}
/** Which branches may use it: all, those that are protected, or some by name. */
export type BranchRule = 'all' | 'protected' | { id: number; name: string }[];

/** What differs of one environment. */
export interface Difference {
  wanted: Wanted;
  /** Undefined: it is not there yet. */
  present: Present | undefined;
  changes: Change[];
}
export interface Change {
  what: Setting;
  from: string;
  to: string;
}
export type Setting = 'reviewers' | 'wait' | 'no self-review' | 'branches';
