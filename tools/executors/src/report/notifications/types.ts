import type { NotificationOptions } from '../../pipeline/types.ts';

export type Happening = 'started' | 'approval-requested' | 'succeeded' | 'failed' | 'rolled-back';

/** What people are told: who, what, from where to where, what is true now, what to do next. Never holds a secret. */
export interface Notification {
  event: Happening;
  /** What it is about; a deployment unless said. */
  action?: 'promotion' | 'deployment' | 'rollback';
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
  /** For `rolled-back`: what serves now. Of a promotion the stage that it goes to. */
  to?: string;
  /** Of a promotion or a rollback of packages: every project, with the version that was there before. */
  changes?: Change[];
  /** Of a gate: the conditions that are open to nobody yet. */
  waitsFor?: string[];
  /** How a failed one ended, in words: "the release before serves on all hosts". */
  outcome?: string;
  error?: { code: string; what: string; state: string; next: string };
  /** The command to type next. */
  next?: string;
  /** The command that takes it back. */
  wayBack?: string;
  /** A page about it: the CI run. */
  link?: string;
  /** Milliseconds that it took. */
  ms?: number;
}

export interface Change {
  project: string;
  version: string;
  /** The version that was there before. */
  previous?: string;
}

/** One way to tell people; one file each, listed in `notify.ts`. */
export interface Channel {
  /** For the line that says that it failed. */
  name: string;
  send(notification: Notification, signal: AbortSignal): Promise<void>;
}
export type { NotificationOptions };
