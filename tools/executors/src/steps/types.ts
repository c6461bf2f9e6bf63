import type { SluiceError } from '../foundation/index.ts';

/**
 * The engine's vocabulary. A subject (one package, one host) goes through a table of rows; the engine alone
 * knows about retries, time-outs, order between subjects, the journal and undo.
 */
export interface Row<C> {
  /** Shown to a person, in the present tense: "put into test". */
  title: string;
  /** The state (or states) that is reached when this row is done; other subjects' rows may wait for it. */
  reaches?: string | ((context: C) => string[]);
  /** Every dependency of this subject must have reached this state before the row starts. */
  waitsFor?: string;
  /** Every subject of the run must have reached this state before the row starts: from here on all of them go on, or none. */
  waitsForAll?: string;
  /** Left out where this says false. */
  when?: (context: C) => boolean;
  /** `'enough'` says that nothing is left to do for this subject: it is done, and its other rows are left out. */
  run: (context: C, signal: AbortSignal) => Promise<void | 'enough'>;
  /** Runs after `run`; throws where the effect cannot be seen. Retried like `run`. */
  verify?: (context: C, signal: AbortSignal) => Promise<void>;
  /** Takes the row's effect back when a later row fails for good; `error` is why, undefined where the subject was stopped or blocked. */
  undo?: (context: C, error?: SluiceError) => Promise<void>;
  /** A person may be asked something at the terminal while it runs (a key's passphrase). */
  asks?: boolean;
  /** `undo` runs also where the row itself failed: a part of its effect may be there. */
  undoesParts?: boolean;
  /** What was begun is brought to its end: a stop on request is not heeded by this row. */
  pastReturn?: boolean;
  /** Milliseconds for one attempt; Infinity for none. */
  timeout?: number;
  /** How transient errors are repeated. */
  retry?: RetryPolicy;
}

export interface RetryPolicy {
  /** Attempts in all, the first included. */
  attempts: number;
  /** First pause in milliseconds; doubles, with jitter, up to `longest`. A `Retry-After` counts when longer. */
  pause: number;
  longest: number;
  /** No new attempt starts after this many milliseconds since the row's first. */
  within?: number;
}
