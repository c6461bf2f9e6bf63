import { describe, expect, it } from 'vitest';
import { errors } from '../foundation/index.ts';
import type { Host, PhaseName, PhaseResult } from '../host/types.ts';
import { Member, runOn, type HostEvent, type Reach } from './fleet.ts';

const lost = () => errors.CONNECTION_LOST({ host: 'one', phase: 'start', said: '' }, { transient: true });
const away = () =>
  errors.HOST_UNREACHABLE({ host: 'one', said: 'timed out', command: 'ssh one' }, { transient: true });
const facts = (...all: [key: string, value: string][]): PhaseResult => ({
  facts: all.map(([key, value]) => ({ key, value })),
  log: [],
});
const lock = (run: string, state = 'held') => ['lock', JSON.stringify({ run, state, owner: 'x' })] as const;
const ours = (...journal: string[]) =>
  facts([...lock('mine')], ...journal.map((line) => ['journal', line] as [string, string]));

/** A host that answers in this order; an error is thrown. */
function answering(...answers: (PhaseResult | Error | (() => Error))[]) {
  const asked: PhaseName[] = [];
  const run = async (phase: PhaseName) => {
    asked.push(phase);
    const next = answers.shift() ?? new Error('asked too often');
    const answer = typeof next === 'function' ? next() : next;
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const member = new Member({ name: 'one', run } as unknown as Host, { wave: 0, leader: true });
  const events: HostEvent[] = [];
  let slept = 0;
  const reach: Reach = {
    run: 'mine',
    patienceMs: 1_000,
    sleep: async (ms) => void (slept += ms),
    onHost: (event) => events.push(event),
  };
  return {
    asked,
    events,
    slept: () => slept,
    of: (phase: PhaseName, signal?: AbortSignal) =>
      runOn(member, phase, signal ? { signal } : {}, reach).then(
        () => 'done',
        (error: Error & { code?: string }) => error.code,
      ),
  };
}

describe('a phase whose connection is lost', () => {
  it('is not repeated where it had its effect, and is where it had none', async () => {
    const done = answering(lost(), ours('10:00 mine start done'));
    expect([await done.of('start'), done.asked]).toEqual(['done', ['start', 'truth']]);
    for (const journal of [[], ['10:00 mine start began'], ['10:00 other start done']]) {
      const again = answering(lost(), ours(...journal), facts());
      expect([await again.of('start'), again.asked]).toEqual(['done', ['start', 'truth', 'start']]);
    }
  });

  it('is repeated all the same where its facts are needed', async () => {
    const host = answering(lost(), ours('10:00 mine backup done'), facts(['backup', 'file']));
    expect([await host.of('backup'), host.asked]).toEqual(['done', ['backup', 'truth', 'backup']]);
  });

  it.each([
    ['another run has', facts([...lock('theirs')])],
    ['is being taken from it', facts([...lock('mine', 'undoing')])],
    ['nobody has', facts()],
  ])('is not repeated without the lock, which %s', async (_, truth) => {
    const host = answering(lost(), truth);
    expect([await host.of('start'), host.asked]).toEqual(['LOCK_LOST', ['start', 'truth']]);
  });

  it('needs no lock where it takes none, or gives it back', async () => {
    const looks = answering(lost(), facts(), facts());
    expect([await looks.of('preflight'), looks.asked]).toEqual(['done', ['preflight', 'truth', 'preflight']]);
    const unlocks = answering(lost(), facts([...lock('theirs')]));
    expect([await unlocks.of('unlock'), unlocks.asked]).toEqual(['done', ['unlock', 'truth']]);
  });

  it('waits for the host, which is told, and not for longer than patience lasts', async () => {
    const back = answering(lost(), away(), lost(), ours(), facts());
    expect(await back.of('start')).toBe('done');
    expect(back.slept()).toBe(750);
    expect(back.events.filter(({ event }) => event === 'lost')).toMatchObject([
      { leftMs: 1_000 },
      { leftMs: 750 },
    ]);
    const gone = answering(lost(), ...Array.from({ length: 20 }, away));
    expect(await gone.of('start')).toBe('CONNECTION_LOST');
    expect(gone.slept()).toBe(1_750);
    const stop = new AbortController();
    const stopped = answering(lost(), () => {
      stop.abort();
      return away();
    });
    expect(await stopped.of('start', stop.signal)).toBe('CONNECTION_LOST');
    expect([stopped.asked, stopped.slept()]).toEqual([['start', 'truth'], 0]);
  });

  it('has failed where the host tells of something else, or loses it three times', async () => {
    const other = answering(lost(), errors.HOST_KEY_CHANGED({ host: 'one', known: 'one' }));
    expect([await other.of('start'), other.asked]).toEqual(['HOST_KEY_CHANGED', ['start', 'truth']]);
    const again = answering(lost(), ours(), lost(), ours(), lost(), ours());
    expect(await again.of('start')).toBe('CONNECTION_LOST');
    expect(again.asked).toEqual(['start', 'truth', 'start', 'truth', 'start']);
  });

  it('is no matter where the phase itself failed', async () => {
    const host = answering(errors.PULL_FAILED({ host: 'one', image: 'x', said: 'no' } as never));
    expect([await host.of('pull'), host.asked]).toEqual(['PULL_FAILED', ['pull']]);
    expect(host.events.map(({ event }) => event)).toEqual(['started', 'failed']);
  });
});
