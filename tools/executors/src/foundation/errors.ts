/** Exit codes of the `sluice` command; part of the public contract. */
export const EXIT = { done: 0, failed: 1, badInput: 2, gateClosed: 3 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** What every message says: what happened, what state things are in now, and what to type next. */
export interface ErrorText {
  what: string;
  state: string;
  next: string;
}

export interface ErrorExtras {
  cause?: unknown;
  /** The same call may succeed later; the steps engine retries it. */
  transient?: boolean;
  /** The least time to wait before the next attempt, in milliseconds (from `Retry-After`). */
  retryAfterMs?: number;
  /** Machine-readable facts for `--json` and `--output-file`; never a secret. */
  details?: Record<string, unknown>;
}

/** The one error type that reaches a user. Made by the functions of the catalogue (`catalogue.ts`). */
export class SluiceError extends Error {
  readonly code: string;
  readonly exit: ExitCode;
  readonly state: string;
  readonly next: string;
  readonly transient: boolean;
  readonly retryAfterMs: number | undefined;
  readonly details: Record<string, unknown>;

  constructor(code: string, exit: ExitCode, text: ErrorText, extras: ErrorExtras = {}) {
    super(text.what, { cause: extras.cause });
    this.name = 'SluiceError';
    this.code = code;
    this.exit = exit;
    this.state = text.state;
    this.next = text.next;
    this.transient = extras.transient ?? false;
    this.retryAfterMs = extras.retryAfterMs;
    this.details = extras.details ?? {};
  }

  /** Three lines for a person: the code and what happened, the state, the next command. */
  format(): string {
    return `${this.code}: ${this.message}\n  now:  ${this.state}\n  next: ${this.next}`;
  }

  toJSON(): Record<string, unknown> {
    return { code: this.code, what: this.message, state: this.state, next: this.next, ...this.details };
  }
}

type Entry<P> = (params: P) => ErrorText;
export type Catalogue<T extends Record<string, { exit: ExitCode; text: Entry<never> }>> = {
  [K in keyof T]: (params: Parameters<T[K]['text']>[0], extras?: ErrorExtras) => SluiceError;
};

/**
 * Turns a table `{CODE: {exit, text: (params) => ({what, state, next})}}` into one function per code.
 * The table stays readable as documentation: `docs/reference/errors.md` is generated from it.
 */
export function catalogue<T extends Record<string, { exit: ExitCode; text: Entry<never> }>>(
  table: T,
): Catalogue<T> {
  const made: Record<string, unknown> = {};
  for (const [code, { exit, text }] of Object.entries(table)) {
    made[code] = (params: never, extras?: ErrorExtras) => new SluiceError(code, exit, text(params), extras);
  }
  return made as Catalogue<T>;
}

/** Any thrown value as a SluiceError; what was not foreseen keeps its message under `UNEXPECTED`. */
export function asSluiceError(error: unknown): SluiceError {
  if (error instanceof SluiceError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new SluiceError(
    'UNEXPECTED',
    EXIT.failed,
    {
      what: message,
      state: 'what was recorded in the ledger stands; nothing was undone',
      next: 'npx sluice status (then run the same command again: every step is safe to repeat)',
    },
    { cause: error },
  );
}
