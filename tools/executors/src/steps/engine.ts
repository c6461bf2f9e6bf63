import { asSluiceError, errors, type SluiceError } from '../foundation/index.ts';
import type { RetryPolicy, Row } from './types.ts';

export interface Subject<C> {
  id: string;
  /** Ids of the subjects that this one depends on; ids that are not part of the run are ignored. */
  after: string[];
  context: C;
}

export type Outcome =
  | { id: string; status: 'done'; reached: string[] }
  | { id: string; status: 'failed'; reached: string[]; error: SluiceError }
  /** A dependency did not get far enough; this one was left as it was. */
  | { id: string; status: 'blocked'; reached: string[]; by: string }
  | { id: string; status: 'cancelled'; reached: string[] };

export type StepEvent =
  /** `asks`: a person may be asked something at the terminal until the row is done. */
  | { subject: string; event: 'started'; row: string; asks?: boolean }
  | { subject: string; event: 'done'; row: string }
  /** The row cannot start before these subjects reached that state. */
  | { subject: string; event: 'waiting'; row: string; state: string; for: string[] }
  /** `leftMs`: no new attempt starts after so many milliseconds. */
  | { subject: string; event: 'retrying'; row: string; error: SluiceError; inMs: number; leftMs?: number }
  | { subject: string; event: 'ended'; outcome: Outcome };

export interface RunOptions<C> {
  rows: Row<C>[];
  subjects: Subject<C>[];
  signal?: AbortSignal;
  onEvent?: (event: StepEvent) => void;
  /** Milliseconds that no attempt may exceed, whatever its row allows. */
  attemptLimit?: number;
  /** For tests: time stands still unless they move it. */
  clock?: Clock;
}
export interface Clock {
  now(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  random(): number;
}

const systemClock: Clock = {
  now: () => performance.now(),
  random: Math.random,
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      const stop = () => {
        clearTimeout(timer);
        reject(signal?.reason as Error);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', stop);
        resolve();
      }, ms);
      signal?.addEventListener('abort', stop, { once: true });
    }),
};

const defaultRetry: RetryPolicy = { attempts: 6, pause: 200, longest: 10_000, within: 120_000 };
const defaultTimeout = 120_000;

/**
 * Takes every subject through the rows. Subjects run side by side; a row with `waitsFor` starts when all of the
 * subject's dependencies reached that state. A failing subject stops the ones that wait for it, and no others.
 * Never throws for a subject's failure: the outcome of each says what happened.
 */
export async function runRows<C>(options: RunOptions<C>): Promise<Map<string, Outcome>> {
  const states = new Map(options.subjects.map((subject) => [subject.id, new Milestones()]));
  const outcomes = await Promise.all(
    order(options.subjects).map(async (subject) => {
      const outcome = await runSubject(subject, states, options);
      states.get(subject.id)?.end(outcome.status === 'done');
      options.onEvent?.({ subject: subject.id, event: 'ended', outcome });
      return [subject.id, outcome] as const;
    }),
  );
  return new Map(outcomes);
}

async function runSubject<C>(
  subject: Subject<C>,
  states: Map<string, Milestones>,
  options: RunOptions<C>,
): Promise<Outcome> {
  const { signal, onEvent } = options;
  const own = states.get(subject.id) as Milestones;
  const done: Row<C>[] = [];
  const ended = (outcome: object) => ({ id: subject.id, reached: own.reached, ...outcome }) as Outcome;
  const missing = (row: Row<C>, ids: string[], state: string | undefined) => {
    if (state === undefined) return undefined;
    const open = ids.filter((id) => states.get(id)?.isOpen(state));
    if (open.length > 0)
      onEvent?.({ subject: subject.id, event: 'waiting', row: row.title, state, for: open });
    return firstMissing(ids, state, states);
  };
  for (const row of options.rows) {
    const by =
      (await missing(row, subject.after, row.waitsFor)) ??
      (await missing(row, others(subject, options), row.waitsForAll));
    if (by) {
      await undo(done, subject.context);
      return ended(signal?.aborted ? { status: 'cancelled' } : { status: 'blocked', by });
    }
    if (signal?.aborted && !row.pastReturn) {
      await undo(done, subject.context);
      return ended({ status: 'cancelled' });
    }
    if (!row.when || row.when(subject.context)) {
      const asks = row.asks === undefined ? {} : { asks: row.asks };
      onEvent?.({ subject: subject.id, event: 'started', row: row.title, ...asks });
      const error = await attempt(row, subject, options);
      if (error === 'enough') return ended({ status: 'done' });
      if (error) {
        const begun = row.undoesParts ? [...done, row] : done;
        error.details['notUndone'] = await undo(begun, subject.context, error);
        const stopped = signal?.aborted && !row.pastReturn;
        return ended(stopped ? { status: 'cancelled' } : { status: 'failed', error });
      }
      done.push(row);
      onEvent?.({ subject: subject.id, event: 'done', row: row.title });
    }
    for (const state of statesOf(row, subject.context)) own.reach(state);
  }
  return ended({ status: 'done' });
}

const others = <C>(subject: Subject<C>, { subjects }: RunOptions<C>): string[] =>
  subjects.filter((other) => other !== subject).map(({ id }) => id);

function statesOf<C>({ reaches }: Row<C>, context: C): string[] {
  if (typeof reaches === 'function') return reaches(context);
  return reaches === undefined ? [] : [reaches];
}

/** Runs one row until it succeeds, fails for good, or its policy is exhausted; returns the last error then. */
async function attempt<C>(
  row: Row<C>,
  subject: Subject<C>,
  options: RunOptions<C>,
): Promise<SluiceError | 'enough' | undefined> {
  const clock = options.clock ?? systemClock;
  const stop = row.pastReturn ? undefined : options.signal;
  const policy = row.retry ?? defaultRetry;
  const timeout = Math.min(row.timeout ?? defaultTimeout, options.attemptLimit ?? Infinity);
  const begun = clock.now();
  for (let tries = 1; ; tries += 1) {
    const limit = new AbortController();
    const timer = Number.isFinite(timeout) ? setTimeout(() => limit.abort(), timeout) : undefined;
    const signal = stop ? AbortSignal.any([stop, limit.signal]) : limit.signal;
    let error: SluiceError;
    try {
      const said = await row.run(subject.context, signal);
      await row.verify?.(subject.context, signal);
      return said === 'enough' ? said : undefined;
    } catch (thrown) {
      error =
        limit.signal.aborted && !stop?.aborted
          ? errors.STEP_TIMED_OUT(
              { subject: subject.id, title: row.title, ms: timeout },
              { transient: true, cause: thrown },
            )
          : asSluiceError(thrown);
    } finally {
      clearTimeout(timer);
    }
    if (!error.transient || tries >= policy.attempts || stop?.aborted) return error;
    const pause = nextPause(policy, tries, error.retryAfterMs, clock.random());
    if (policy.within !== undefined && clock.now() - begun + pause > policy.within) return error;
    const left =
      policy.within === undefined ? {} : { leftMs: Math.max(0, policy.within - (clock.now() - begun)) };
    options.onEvent?.({
      subject: subject.id,
      event: 'retrying',
      row: row.title,
      error,
      inMs: pause,
      ...left,
    });
    try {
      await clock.sleep(pause, stop);
    } catch {
      return error;
    }
  }
}

/** Milliseconds until the next attempt: doubling, up to a quarter of jitter, and never less than what the server asked for. */
export function nextPause(
  policy: RetryPolicy,
  tries: number,
  retryAfterMs: number | undefined,
  random: number,
): number {
  const doubled = Math.min(policy.longest, policy.pause * 2 ** (tries - 1));
  return Math.max(Math.round(doubled * (0.75 + random / 4)), retryAfterMs ?? 0);
}

/** Takes back what was done, last first; one that cannot be taken back does not keep the others. Returns its titles. */
async function undo<C>(done: Row<C>[], context: C, error?: SluiceError): Promise<string[]> {
  const left: string[] = [];
  for (const row of done.toReversed()) {
    try {
      await row.undo?.(context, error);
    } catch {
      left.push(row.title);
    }
  }
  return left;
}

async function firstMissing(
  after: string[],
  state: string,
  states: Map<string, Milestones>,
): Promise<string | undefined> {
  const waited = await Promise.all(
    after.map(async (id) => ((await states.get(id)?.until(state)) === false ? id : undefined)),
  );
  return waited.find((id) => id !== undefined);
}

/** Dependencies before dependents, so that whatever is handed out first come, first served, cannot deadlock. */
export function order<T extends { id: string; after: string[] }>(subjects: T[]): T[] {
  const byId = new Map(subjects.map((subject) => [subject.id, subject]));
  const sorted = new Set<T>();
  const open = new Set<string>();
  const visit = (subject: T): void => {
    if (sorted.has(subject)) return;
    if (open.has(subject.id)) throw errors.DEPENDENCY_CYCLE({ names: [...open, subject.id] });
    open.add(subject.id);
    for (const id of subject.after) {
      const dependency = byId.get(id);
      if (dependency) visit(dependency);
    }
    open.delete(subject.id);
    sorted.add(subject);
  };
  subjects.forEach(visit);
  return [...sorted];
}

/** The states that one subject reached, and who waits for them. */
class Milestones {
  readonly reached: string[] = [];
  #ended: boolean | undefined;
  #waiting: { state: string; resolve: (reached: boolean) => void }[] = [];

  until(state: string): Promise<boolean> {
    if (this.reached.includes(state)) return Promise.resolve(true);
    if (this.#ended !== undefined) return Promise.resolve(this.#ended);
    return new Promise((resolve) => this.#waiting.push({ state, resolve }));
  }
  /** Neither reached nor out of reach. */
  isOpen(state: string): boolean {
    return this.#ended === undefined && !this.reached.includes(state);
  }
  reach(state: string): void {
    if (this.reached.includes(state)) return;
    this.reached.push(state);
    this.#settle((waiting) => waiting.state === state, true);
  }
  /** A subject that is done counts as having reached every state, one that is not as having reached no more. */
  end(done: boolean): void {
    this.#ended = done;
    this.#settle(() => true, done);
  }
  #settle(which: (waiting: { state: string }) => boolean, reached: boolean): void {
    for (const waiting of this.#waiting.filter(which)) waiting.resolve(reached);
    this.#waiting = this.#waiting.filter((waiting) => !which(waiting));
  }
}
