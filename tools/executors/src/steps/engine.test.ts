import { describe, expect, it } from 'vitest';
import { EXIT, SluiceError } from '../foundation/index.ts';
import { nextPause, order, runRows, type Clock, type StepEvent, type Subject } from './index.ts';
import type { Row } from './types.ts';

/** Sleeping only moves the hands. */
function fakeClock(): Clock & { slept: number[] } {
  let now = 0;
  const slept: number[] = [];
  return {
    slept,
    now: () => now,
    random: () => 1,
    sleep: async (ms) => {
      slept.push(ms);
      now += ms;
    },
  };
}
const failure = (transient: boolean, retryAfterMs?: number) =>
  new SluiceError(
    'SOME',
    EXIT.failed,
    { what: 'no', state: 'as before', next: 'again' },
    { transient, ...(retryAfterMs ? { retryAfterMs } : {}) },
  );
const subjects = (ids: Record<string, string[]>): Subject<string>[] =>
  Object.entries(ids).map(([id, after]) => ({ id, after, context: id }));

describe('runRows', () => {
  it('lets only the waiting row wait for dependencies; what comes before it runs ahead', async () => {
    const log: string[] = [];
    let letGo = (): void => {};
    const held = new Promise<void>((resolve) => (letGo = resolve));
    const rows: Row<string>[] = [
      { title: 'fetch', run: async (id) => void log.push(`fetch ${id}`) },
      {
        title: 'put',
        waitsFor: 'visible',
        reaches: 'visible',
        run: async (id) => {
          if (id === 'units') await held;
          log.push(`put ${id}`);
        },
      },
    ];
    const running = runRows({ rows, subjects: subjects({ money: ['units'], units: [] }) });
    await new Promise((resolve) => setImmediate(resolve));
    expect(log.toSorted()).toEqual(['fetch money', 'fetch units']);
    letGo();
    const outcomes = await running;
    expect(log.slice(2)).toEqual(['put units', 'put money']);
    expect(outcomes.get('money')).toEqual({ id: 'money', status: 'done', reached: ['visible'] });
  });

  it('stops the dependents of a failing subject, all the way down, and no others', async () => {
    const put: string[] = [];
    const rows: Row<string>[] = [
      {
        title: 'put',
        waitsFor: 'there',
        reaches: 'there',
        run: async (id) => {
          if (id === 'money') throw failure(false);
          put.push(id);
        },
      },
    ];
    const outcomes = await runRows({
      rows,
      subjects: subjects({
        invoice: ['money'],
        report: ['invoice'],
        money: ['units'],
        units: [],
        logger: [],
      }),
    });
    expect(put.toSorted()).toEqual(['logger', 'units']);
    expect(outcomes.get('money')?.status).toBe('failed');
    expect(outcomes.get('invoice')).toMatchObject({ status: 'blocked', by: 'money' });
    expect(outcomes.get('report')).toMatchObject({ status: 'blocked', by: 'invoice' });
  });

  it('lets dependents go on where a dependency fails only after the state they wait for', async () => {
    const rows: Row<string>[] = [
      { title: 'put', waitsFor: 'visible', reaches: 'visible', run: async () => {} },
      {
        title: 'tag',
        run: async (id) => {
          if (id === 'units') throw failure(false);
        },
      },
    ];
    const outcomes = await runRows({ rows, subjects: subjects({ units: [], money: ['units'] }) });
    expect(outcomes.get('units')).toMatchObject({ status: 'failed', reached: ['visible'] });
    expect(outcomes.get('money')?.status).toBe('done');
  });

  it('repeats what is transient, never what is not', async () => {
    const tries: Record<string, number> = {};
    const rows: Row<string>[] = [
      {
        title: 'put',
        retry: { attempts: 3, pause: 10, longest: 100 },
        run: async (id) => {
          tries[id] = (tries[id] ?? 0) + 1;
          if (id === 'soon' && tries[id] === 3) return;
          throw failure(id !== 'never');
        },
      },
    ];
    const clock = fakeClock();
    const outcomes = await runRows({ rows, clock, subjects: subjects({ soon: [], ever: [], never: [] }) });
    expect(tries).toEqual({ soon: 3, ever: 3, never: 1 });
    expect([...outcomes.values()].map(({ status }) => status)).toEqual(['done', 'failed', 'failed']);
  });

  it('honours Retry-After, and gives up where that is later than the row may last', async () => {
    const clock = fakeClock();
    const run = (within: number) =>
      runRows({
        rows: [
          {
            title: 'put',
            retry: { attempts: 9, pause: 10, longest: 20, within },
            run: async () => {
              throw failure(true, 60_000);
            },
          },
        ],
        clock,
        subjects: subjects({ units: [] }),
      });
    await run(150_000);
    expect(clock.slept).toEqual([60_000, 60_000]);
  });

  it('repeats a row whose verification does not see the effect', async () => {
    let ran = 0;
    const rows: Row<string>[] = [
      {
        title: 'move the tag',
        retry: { attempts: 5, pause: 1, longest: 1 },
        run: async () => void (ran += 1),
        verify: async () => {
          if (ran < 3) throw failure(true);
        },
      },
    ];
    const outcomes = await runRows({ rows, clock: fakeClock(), subjects: subjects({ units: [] }) });
    expect(ran).toBe(3);
    expect(outcomes.get('units')?.status).toBe('done');
  });

  it('undoes what was done, last first, and says what could not be undone', async () => {
    const undone: string[] = [];
    const rows: Row<string>[] = [
      { title: 'start', run: async () => {}, undo: async () => void undone.push('start') },
      {
        title: 'stuck',
        run: async () => {},
        undo: async () => {
          throw new Error('no');
        },
      },
      { title: 'switch', run: async () => {}, undo: async () => void undone.push('switch') },
      {
        title: 'check',
        run: async () => {
          throw failure(false);
        },
      },
    ];
    const outcome = (await runRows({ rows, subjects: subjects({ api: [] }) })).get('api');
    expect(undone).toEqual(['switch', 'start']);
    expect(outcome?.status === 'failed' && outcome.error.details['notUndone']).toEqual(['stuck']);
  });

  it('undoes a row that failed half-way where the row says so, and tells undo why', async () => {
    const undone: string[] = [];
    const undo = (title: string) => async (_: string, error?: SluiceError) =>
      void undone.push(`${title} ${error?.code}`);
    const failing = async () => {
      throw failure(false);
    };
    const rows = (undoesParts: boolean): Row<string>[] => [
      { title: 'lock', run: failing, undo: undo('lock'), undoesParts },
    ];
    await runRows({ rows: rows(false), subjects: subjects({ api: [] }) });
    expect(undone).toEqual([]);
    await runRows({ rows: rows(true), subjects: subjects({ api: [] }) });
    expect(undone).toEqual(['lock SOME']);
  });

  it('holds a row until all subjects reached a state, and takes all back where one does not', async () => {
    const log: string[] = [];
    const run = async (sick: string) => {
      log.length = 0;
      const rows: Row<string>[] = [
        {
          title: 'bake',
          reaches: 'baked',
          run: async (id) => {
            if (id === sick) throw failure(false);
            log.push(`baked ${id}`);
          },
          undo: async (id) => void log.push(`undone ${id}`),
        },
        { title: 'finish', waitsForAll: 'baked', run: async (id) => void log.push(`finished ${id}`) },
      ];
      return runRows({ rows, subjects: subjects({ api: [], web: [], worker: [] }) });
    };
    await run('none');
    expect(log.slice(0, 3).toSorted()).toEqual(['baked api', 'baked web', 'baked worker']);
    expect(log.slice(3).toSorted()).toEqual(['finished api', 'finished web', 'finished worker']);
    const outcomes = await run('web');
    expect(log.toSorted()).toEqual(['baked api', 'baked worker', 'undone api', 'undone worker']);
    expect(outcomes.get('api')).toMatchObject({ status: 'blocked', by: 'web' });
    expect(outcomes.get('worker')).toMatchObject({ status: 'blocked', by: 'web' });
  });

  it('ends a row that hangs, as a transient error', async () => {
    const rows: Row<string>[] = [
      {
        title: 'hang',
        timeout: 5,
        retry: { attempts: 2, pause: 1, longest: 1 },
        run: (_, signal) =>
          new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('cut')))),
      },
    ];
    const events: StepEvent[] = [];
    const outcome = (
      await runRows({ rows, subjects: subjects({ units: [] }), onEvent: (event) => void events.push(event) })
    ).get('units');
    expect(outcome?.status === 'failed' && outcome.error.code).toBe('STEP_TIMED_OUT');
    expect(events.filter((event) => event.event === 'retrying')).toHaveLength(1);
  });

  it('lets no attempt exceed the limit of the run, nor end before it where the row has none', async () => {
    let tries = 0;
    const rows: Row<string>[] = [
      { title: 'wait', timeout: Infinity, run: () => new Promise((resolve) => setTimeout(resolve, 5)) },
      {
        title: 'hang',
        timeout: Infinity,
        run: (_, signal) => {
          tries += 1;
          return new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => reject(signal.reason as Error));
          });
        },
        retry: { attempts: 2, pause: 1, longest: 1 },
      },
    ];
    const outcomes = await runRows({
      rows,
      subjects: subjects({ a: [] }),
      clock: fakeClock(),
      attemptLimit: 50,
    });
    expect(outcomes.get('a')).toMatchObject({ status: 'failed', error: { code: 'STEP_TIMED_OUT' } });
    expect(tries).toBe(2);
  });

  it('starts nothing more once it is stopped, and says what was reached', async () => {
    const abort = new AbortController();
    const put: string[] = [];
    const rows: Row<string>[] = [
      {
        title: 'put',
        waitsFor: 'accepted',
        reaches: 'accepted',
        run: async (id) => {
          put.push(id);
          if (id === 'units') abort.abort(new Error('stopped'));
        },
      },
      { title: 'tag', reaches: 'tagged', run: async (id) => void put.push(`tag ${id}`) },
    ];
    const outcomes = await runRows({
      rows,
      signal: abort.signal,
      subjects: subjects({ units: [], money: ['units'] }),
    });
    expect(put).toEqual(['units']);
    expect(outcomes.get('units')).toMatchObject({ status: 'cancelled', reached: ['accepted'] });
    expect(outcomes.get('money')?.status).toBe('cancelled');
  });

  it('brings what is past the point of no return to its end', async () => {
    const abort = new AbortController();
    const log: string[] = [];
    const rows: Row<string>[] = [
      {
        title: 'finish',
        run: async () => abort.abort(new Error('stopped')),
        undo: async () => void log.push('undone'),
      },
      { title: 'record', pastReturn: true, run: async (_, signal) => void log.push(`${signal.aborted}`) },
    ];
    const outcomes = await runRows({ rows, signal: abort.signal, subjects: subjects({ api: [] }) });
    expect(log).toEqual(['false']);
    expect(outcomes.get('api')?.status).toBe('done');
  });

  it('is done with a subject that has enough, and lets its dependents go on', async () => {
    const log: string[] = [];
    const rows: Row<string>[] = [
      { title: 'ask', run: async (id) => (id === 'units' ? 'enough' : undefined) },
      { title: 'put', waitsFor: 'there', reaches: 'there', run: async (id) => void log.push(id) },
    ];
    const outcomes = await runRows({ rows, subjects: subjects({ units: [], money: ['units'] }) });
    expect(log).toEqual(['money']);
    expect([...outcomes.values()].map(({ status }) => status)).toEqual(['done', 'done']);
  });

  it('says who is waited for, until when it tries, and where it may ask a person', async () => {
    const events: StepEvent[] = [];
    let tries = 0;
    const rows: Row<string>[] = [
      {
        title: 'put',
        waitsFor: 'there',
        reaches: 'there',
        retry: { attempts: 9, pause: 100, longest: 100, within: 1_000 },
        run: async (id) => {
          tries += 1;
          if (id === 'units' && tries === 1) throw failure(true);
        },
      },
      { title: 'record', asks: true, run: async () => {} },
    ];
    await runRows({
      rows,
      subjects: subjects({ units: [], money: ['units'] }),
      clock: { now: () => tries * 400, sleep: async () => {}, random: () => 1 },
      onEvent: (event) => events.push(event),
    });
    const of = (name: StepEvent['event']) => events.filter(({ event }) => event === name);
    expect(of('waiting')).toEqual([
      { subject: 'money', event: 'waiting', row: 'put', state: 'there', for: ['units'] },
    ]);
    expect(of('retrying')).toMatchObject([{ subject: 'units', inMs: 100, leftMs: 600 }]);
    expect(of('started')).toContainEqual({ subject: 'units', event: 'started', row: 'record', asks: true });
  });

  it('waits for nobody who has ended, or is there already', async () => {
    const events: StepEvent[] = [];
    let letGo = (): void => {};
    const bothEnded = new Promise<void>((resolve) => (letGo = resolve));
    const rows: Row<string>[] = [
      {
        title: 'fetch',
        reaches: (id) => (id === 'tax' ? ['fetched', 'there'] : ['fetched']),
        run: async (id) => {
          if (id === 'money') await bothEnded;
          if (id === 'units') throw failure(false);
        },
      },
      { title: 'put', waitsFor: 'there', when: (id) => id === 'money', run: async () => {} },
    ];
    const outcomes = await runRows({
      rows,
      subjects: subjects({ units: [], tax: [], money: ['tax', 'units'] }),
      onEvent: (event) => {
        events.push(event);
        if (events.filter((one) => one.event === 'ended').length === 2) letGo();
      },
    });
    expect(events.filter(({ event }) => event === 'waiting')).toEqual([]);
    expect(outcomes.get('tax')).toEqual({ id: 'tax', status: 'done', reached: ['fetched', 'there'] });
    expect(outcomes.get('money')).toMatchObject({ status: 'blocked', by: 'units' });
  });

  it('reports a circle instead of waiting for ever', async () => {
    await expect(runRows({ rows: [], subjects: subjects({ a: ['b'], b: ['a'] }) })).rejects.toMatchObject({
      code: 'DEPENDENCY_CYCLE',
    });
  });
});

it('order puts dependencies first, whatever order they were given in', () => {
  const sorted = order(subjects({ c: ['b', 'a'], b: ['a'], a: ['elsewhere'] })).map(({ id }) => id);
  expect(sorted).toEqual(['a', 'b', 'c']);
});

it.each([
  [1, undefined, 1, 100],
  [2, undefined, 1, 200],
  [9, undefined, 1, 1_000],
  [1, undefined, 0, 75],
  [1, 5_000, 1, 5_000],
  [4, 5, 1, 800],
])('pause after try %i with Retry-After %s and jitter %f is %i ms', (tries, after, random, ms) => {
  expect(nextPause({ attempts: 9, pause: 100, longest: 1_000 }, tries, after, random)).toBe(ms);
});
