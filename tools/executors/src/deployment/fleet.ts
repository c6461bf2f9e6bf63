import { asSluiceError, errors, SluiceError } from '../foundation/index.ts';
import type { Host, PhaseInput, PhaseName, PhaseResult } from '../host/types.ts';
import { truthOf, type HostTruth } from './facts.ts';

/** Lines of a phase that are kept for the person who has to find out why it failed. */
const TAIL = 60;

/** One host of a deployment, and how far it got. */
export class Member {
  readonly host: Host;
  readonly wave: number;
  readonly leader: boolean;
  /** What is known of the lease: `asked` where the answer was lost. */
  lock: 'none' | 'asked' | 'held' = 'none';
  /** Something was changed on this host beyond the lock. */
  changed = false;
  /** Last lines of the phase that ran last. */
  tail: string[] = [];

  constructor(host: Host, place: { wave: number; leader: boolean }) {
    this.host = host;
    this.wave = place.wave;
    this.leader = place.leader;
  }
  get name(): string {
    return this.host.name;
  }
}

/**
 * `awaits`: what the phase itself waits for, and for how long at most; `lost`: the host does not answer, and is waited for so
 * many milliseconds more.
 */
export type HostEvent = { host: string; phase: PhaseName } & (
  | { event: 'started'; awaits?: NonNullable<PhaseInput['awaits']> }
  | { event: 'done' | 'failed' }
  | { event: 'lost'; leftMs: number }
);

export interface Reach {
  run: string;
  /** How long a host that was lost may stay away before its phase has failed. */
  patienceMs: number;
  sleep: (ms: number) => Promise<void>;
  onLine?: (host: string, phase: PhaseName, line: string) => void;
  onHost?: (event: HostEvent) => void;
}

/** Phases whose facts are needed, that only look, or that run more than once: after a lost connection they run again, whatever the journal says. */
const AGAIN = new Set<PhaseName>([
  'preflight',
  'truth',
  'releases',
  'backup',
  'health',
  'watch',
  'switch',
  'undo',
  'restore',
  'lock',
]);
/** Phases that need no lock of ours. */
const UNLOCKED = new Set<PhaseName>(['preflight', 'truth', 'releases', 'lock', 'unlock', 'maintenance']);
const LOST = new Set(['CONNECTION_LOST', 'HOST_UNREACHABLE']);

/**
 * Runs a phase on one host. Where the connection is lost, the host is asked for the truth first: what had its effect is not
 * repeated, and without our lock nothing is.
 * @throws what the phase reports, with `details.host`, `details.phase` and its last lines in `details.log`
 */
export async function runOn(
  member: Member,
  phase: PhaseName,
  input: PhaseInput,
  reach: Reach,
): Promise<PhaseResult> {
  member.tail = [];
  const onLine = (line: string): void => {
    member.tail = [...member.tail.slice(1 - TAIL), line];
    reach.onLine?.(member.name, phase, line);
  };
  const host = member.name;
  const { awaits } = input;
  const started = { host, phase, event: 'started', ...(awaits ? { awaits } : {}) } as const;
  reach.onHost?.(started);
  try {
    const result = await persist(member, phase, { ...input, onLine }, reach, () => reach.onHost?.(started));
    reach.onHost?.({ host, phase, event: 'done' });
    return result;
  } catch (thrown) {
    reach.onHost?.({ host, phase, event: 'failed' });
    const error = asSluiceError(thrown);
    Object.assign(error.details, { host: member.name, phase, log: member.tail });
    throw error;
  }
}

async function persist(
  member: Member,
  phase: PhaseName,
  input: PhaseInput,
  reach: Reach,
  onAgain: () => void,
): Promise<PhaseResult> {
  for (let losses = 0; ; losses += 1) {
    try {
      return await member.host.run(phase, input);
    } catch (error) {
      const lost = error instanceof SluiceError && error.code === 'CONNECTION_LOST';
      if (!lost || input.signal?.aborted || losses >= 2) throw error;
      if (await hadItsEffect(member, phase, input.signal, reach, error)) return { facts: [], log: [] };
      onAgain();
    }
  }
}

export const isOurs = ({ lock }: HostTruth, run: string): boolean =>
  lock?.state === 'held' && lock.run === run;

/** Asks a host that was lost, until it answers or patience is over. Throws LOCK_LOST where another run holds the lock, or nobody. */
async function hadItsEffect(
  member: Member,
  phase: PhaseName,
  signal: AbortSignal | undefined,
  reach: Reach,
  lost: SluiceError,
): Promise<boolean> {
  let waited = 0;
  for (let pause = 250; ; pause = Math.min(pause * 2, 4_000)) {
    try {
      const truth = truthOf(await member.host.run('truth', signal ? { signal } : {}));
      if (!isOurs(truth, reach.run)) {
        if (phase === 'unlock') return true;
        if (!UNLOCKED.has(phase))
          throw errors.LOCK_LOST({ host: member.name, run: reach.run }, { cause: lost });
        return false;
      }
      const last = truth.journal.findLast((entry) => entry.run === reach.run && entry.step === phase);
      return !AGAIN.has(phase) && last?.what === 'done';
    } catch (error) {
      const away = error instanceof SluiceError && LOST.has(error.code);
      if (!away) throw error;
      if (signal?.aborted || waited >= reach.patienceMs) throw lost;
      reach.onHost?.({ host: member.name, phase, event: 'lost', leftMs: reach.patienceMs - waited });
      await reach.sleep(pause);
      waited += pause;
    }
  }
}

/**
 * Does something on many hosts side by side. At the first failure the others are stopped; it is thrown when all have ended,
 * so that nothing runs on while it is being undone.
 */
export async function sideBySide<T>(
  members: Member[],
  signal: AbortSignal | undefined,
  work: (member: Member, signal: AbortSignal) => Promise<T>,
): Promise<Map<Member, T>> {
  const stop = new AbortController();
  const both = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  let first: unknown;
  const done = new Map<Member, T>();
  await Promise.all(
    members.map(async (member) => {
      try {
        done.set(member, await work(member, both));
      } catch (error) {
        first ??= error;
        stop.abort(new Error('another host failed'));
      }
    }),
  );
  if (first !== undefined) throw first;
  return done;
}
