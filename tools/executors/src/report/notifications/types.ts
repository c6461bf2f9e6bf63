import type { NotificationOptions } from '../../pipeline/types.ts';

export type Happening = 'started' | 'approval-requested' | 'succeeded' | 'failed' | 'rolled-back';

/** What people are told: who, what, from where to where, what is true now, what to do next. Never holds a secret. */
export interface Notification {
  event: Happening;
  /** ISO 8601 instant. */
  at: string;
  run: string;
  /** Principal or user who did it. */
  by: string;
  repository: string;
  stage: string;
  project: string;
  version: string;
  digest?: string;
  release?: string;
  hosts?: string[];
  /** Where it came from: a stage, or the release that was served before. */
  from?: string;
  /** For `rolled-back`: what serves now. */
  to?: string;
  /** How a failed one ended, in words: "the release before serves on all hosts". */
  outcome?: string;
  error?: { code: string; what: string; state: string; next: string };
  /** The command to type next. */
  next?: string;
  /** A page about it: the CI run. */
  link?: string;
  /** Milliseconds that it took. */
  ms?: number;
}

/** One way to tell people; one file each, listed in `notify.ts`. */
export interface Channel {
  /** For the line that says that it failed. */
  name: string;
  send(notification: Notification, signal: AbortSignal): Promise<void>;
}
export type { NotificationOptions };
