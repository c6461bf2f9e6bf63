import { describe, expect, it, vi, beforeEach, afterEach } from 'vitest';
import { errors, Secret } from '../../foundation/index.ts';
import type { PackageResult } from '../../promotion/carry.ts';
import type { HostEvent } from '../../deployment/index.ts';
import { hostLine, retryLine, waitingLine } from './plain.ts';
import { isWatched } from './watched.ts';
import { openProgress, type Progress, type ProgressOptions } from './progress.ts';
import type { Outcome, StepEvent } from '../../steps/index.ts';
import { clockTime, fit, passed, tame } from './text.ts';
import { Watching } from './testing/watching.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }));
afterEach(() => void vi.useRealTimers());

async function opened(size: { columns?: number; rows?: number } = {}, more: Partial<ProgressOptions> = {}) {
  const watching = new Watching(size);
  const time = { ms: 0 };
  const abort = new AbortController();
  const progress = await openProgress({
    title: 'promote to test',
    signal: abort.signal,
    env: {},
    terminal: watching.terminal,
    others: [],
    now: () => time.ms,
    date: () => new Date(2026, 0, 1, 12, 0, 0, time.ms),
    ...more,
  });
  const pass = (ms: number): void => {
    time.ms += ms;
    vi.advanceTimersByTime(120);
  };
  return { watching, progress, pass, abort };
}

const started = (subject: string, row: string) => ({ subject, event: 'started', row }) as const;
const ended = (subject: string, reached: string[] = ['tagged']) =>
  ({ subject, event: 'ended', outcome: { id: subject, status: 'done', reached } }) as const;
const result = (name: string, more: Partial<PackageResult> = {}): PackageResult => ({
  project: name,
  name,
  version: '1.0.0',
  success: true,
  status: 'done',
  reached: ['visible', 'tagged'],
  line: `${name}@1.0.0 -> test: visible, tagged`,
  ...more,
});
const notVisible = () => errors.NOT_VISIBLE_YET({ name: 'money', version: '1.0.0', stage: 'test' });
const retrying = (progress: Progress) =>
  progress.onEvent({
    subject: 'money',
    event: 'retrying',
    row: 'wait until visible',
    error: notVisible(),
    inMs: 4_000,
    leftMs: 90_000,
  });

describe('a person who watches', () => {
  it('sees a line for each, redrawn in place: state, time, retries, what it waits for and until when', async () => {
    const { watching, progress, pass } = await opened({ columns: 130 });
    progress.onEvent(started('units', 'put'));
    progress.onEvent(started('money', 'wait until visible'));
    progress.onEvent({
      subject: 'shop',
      event: 'waiting',
      row: 'put',
      state: 'visible',
      for: ['money', 'units'],
    });
    pass(1_000);
    retrying(progress);
    pass(1_500);
    progress.onEvent(ended('units', ['visible', 'tagged']));
    pass(500);
    expect(await watching.seen()).toEqual([
      'promote to test ...',
      'promote to test, 3.0 s',
      '  units  done           2.5 s  visible, tagged',
      '  money  waits          3.0 s  wait until visible: NOT_VISIBLE_YET; again in 2.0 s; 1 retry; until 12:01:31 at most; stage test a…',
      '  shop   waits          3.0 s  put: waits for money and 1 more to be visible',
      '3 in all: 2 waiting, 1 done',
    ]);
    progress.end();
  });

  it('gets a table at the end, and the lines are gone', async () => {
    const { watching, progress, pass } = await opened({ columns: 100 });
    progress.onEvent(started('units', 'put'));
    progress.onEvent(started('money', 'wait until visible'));
    pass(1_000);
    retrying(progress);
    pass(4_000);
    progress.onEvent(ended('units'));
    const error = errors.DEPENDENCY_FAILED({
      name: 'money',
      dependency: 'units',
      stage: 'test',
      reached: [],
    });
    const outcome = { id: 'money', status: 'failed', reached: ['accepted'], error } satisfies Outcome;
    progress.onEvent({ subject: 'money', event: 'ended', outcome });
    const failed = result('money', { success: false, status: 'failed', error, line: error.format() });
    progress.settled(result('units'));
    progress.settled(failed);
    progress.end([result('units'), failed, result('solo', { status: 'nothing' })]);
    expect(await watching.seen()).toEqual([
      'promote to test ...',
      'promote to test, 5.0 s: all came to their end',
      ...error.format().split('\n'),
      'name   version  result  reached            retries  took',
      '-----  -------  ------  -----------------  -------  -----',
      'units  1.0.0    done    visible, tagged    0        5.0 s',
      'money  1.0.0    failed  DEPENDENCY_FAILED  1        5.0 s',
      '',
      '1 done, 1 failed, 1 with nothing to do; took 5.0 s',
    ]);
  });

  it('sees what needs a look where there are more than lines, and the screen never scrolls', async () => {
    const { watching, progress, pass } = await opened({ rows: 10 });
    for (let i = 0; i < 300; i += 1) progress.onEvent(started(`p${i}`, 'put'));
    for (let i = 0; i < 297; i += 1) progress.onEvent(ended(`p${i}`));
    for (let i = 0; i < 20; i += 1) pass(1_000);
    const seen = await watching.seen();
    expect(seen).toHaveLength(9);
    expect(seen[0]).toBe('promote to test, 20 s');
    expect(seen.slice(-4)).toEqual([
      '  p297  runs            20 s  put',
      '  p298  runs            20 s  put',
      '  p299  runs            20 s  put',
      '300 in all: 3 under way, 297 done',
    ]);
    expect(await watching.all()).toEqual(['promote to test ...', ...seen]);
    watching.resize(32, 5);
    pass(1_000);
    expect((await watching.seen()).at(-2)).toBe('  p298  runs            21 s  p…');
    progress.end();
  });

  it('sees the hosts of a service, what each said last, and which one is waited for', async () => {
    const { watching, progress, pass } = await opened({ columns: 130 });
    progress.onEvent(started('api', 'health'));
    for (const host of ['www1', 'www2', 'www3'])
      progress.watched?.onHost('api', { host, phase: 'health', event: 'started' });
    progress.watched?.onLine('www1', 'health', 'api is \u001b[31mstarting\u001b[2J\u0007');
    progress.watched?.onHost('api', { host: 'www2', phase: 'health', event: 'done' });
    pass(1_000);
    progress.watched?.onHost('api', { host: 'www3', phase: 'health', event: 'lost', leftMs: 60_000 });
    pass(1_000);
    expect((await watching.seen()).slice(2)).toEqual([
      '  api     runs           2.0 s  health',
      '    www1  runs           2.0 s  health; api is starting',
      '    www2  done           0.0 s  health',
      '    www3  waits          2.0 s  health: waits for the host, which does not answer; 1 retry; until 12:01:01 at most',
      '1 in all: 1 under way',
    ]);
    progress.end();
  });

  it('sees what a host waits for by itself, and until when, on a second line where the screen is narrow', async () => {
    const { watching, progress, pass } = await opened({ columns: 60 });
    progress.onEvent(started('api', 'bake'));
    const awaits = { for: 'the bake time to pass', ms: 30_000 };
    progress.watched?.onHost('api', { host: 'www1', phase: 'watch', event: 'started', awaits });
    progress.watched?.onLine('www1', 'watch', 'api answers 200');
    progress.onEvent(started('money', 'wait until visible'));
    pass(1_000);
    retrying(progress);
    pass(1_000);
    const narrow = [
      '  api     runs           2.0 s  bake',
      '    www1  waits          2.0 s  watch: waits for the bake t…',
      '      until 12:00:30 at most',
      '  money   waits          2.0 s  wait until visible: NOT_VIS…',
      '    again in 3.0 s; 1 retry; until 12:01:31 at most',
      '2 in all: 1 under way, 1 waiting',
    ];
    expect((await watching.seen()).slice(2)).toEqual(narrow);
    watching.resize(110, 24);
    pass(1_000);
    expect((await watching.seen()).slice(-5, -2)).toEqual([
      '  api     runs           3.0 s  bake',
      '    www1  waits          3.0 s  watch: waits for the bake time to pass; until 12:00:30 at most; api answers 2…',
      '  money   waits          3.0 s  wait until visible: NOT_VISIBLE_YET',
    ]);
    progress.end();
  });

  it('gets a row for each host too, and a table that fits', async () => {
    const { watching, progress, pass } = await opened({ columns: 60 });
    progress.onEvent(started('api', 'health'));
    for (const host of ['www1', 'www2']) {
      progress.watched?.onHost('api', { host, phase: 'health', event: 'started' });
      progress.watched?.onHost('api', { host, phase: 'health', event: 'lost', leftMs: 60_000 });
    }
    pass(2_000);
    for (const host of ['www1', 'www2'])
      progress.watched?.onHost('api', { host, phase: 'undo', event: host === 'www1' ? 'done' : 'failed' });
    progress.onEvent(ended('api'));
    const hosts = [
      { host: 'www1', serving: 'r-1', asExpected: true },
      { host: 'www2', serving: null, asExpected: false, problem: 'it does not answer' },
    ];
    const error = errors.CONNECTION_LOST({ host: 'www2', phase: 'health', said: '' });
    const more = { success: false, status: 'failed', error, line: 'CONNECTION_LOST: gone', hosts } as const;
    const reached = ['planned', 'accepted', 'visible', 'verified', 'tagged'];
    progress.end([result('api', more), result('money', { reached })]);
    expect((await watching.seen()).slice(1)).toEqual([
      'promote to test, 2.0 s: all came to their end',
      'name    result      reached             retries  took',
      '------  ----------  ------------------  -------  -----',
      'api     failed      CONNECTION_LOST     0        2.0 s',
      '  www1  checked     r-1 serves          1        2.0 s',
      '  www2  look at it  it does not answer  1        2.0 s',
      'money   done        tagged              0        -',
      '',
      '1 failed, 1 done; took 2.0 s',
    ]);
  });

  it('is told at once that Ctrl-C was heard, and what comes', async () => {
    const { watching, progress, abort } = await opened({ columns: 130 });
    progress.onEvent(started('units', 'put'));
    abort.abort(new Error('stopped'));
    expect((await watching.seen())[1]).toMatch(
      /^stopping: .* Ctrl-C again leaves at once \(npx sluice status/,
    );
    progress.end();
  });

  it('finds lines of others above, and no lines in the way of a question', async () => {
    const { watching, progress, pass } = await opened();
    const { terminal } = watching;
    progress.onEvent(started('units', 'put'));
    pass(1_000);
    terminal.write('a warning\n');
    terminal.write('Go on? [y/N] ');
    pass(5_000);
    expect(await watching.seen()).toEqual(['promote to test ...', 'a warning', 'Go on? [y/N]']);
    terminal.write('y\r\n');
    expect((await watching.seen()).slice(2)).toEqual([
      'Go on? [y/N] y',
      'promote to test, 6.0 s',
      '  units  runs           6.0 s  put',
      '1 in all: 1 under way',
    ]);
    progress.onEvent({ subject: 'units', event: 'started', row: 'record', asks: true });
    pass(5_000);
    expect((await watching.seen()).slice(2)).toEqual(['Go on? [y/N] y']);
    progress.end();
    const { write } = terminal;
    expect(write).toBe(watching.terminal.write);
  });

  it('sees no secret, not even the first half of one', async () => {
    const secret = new Secret('very-secret-0123456789');
    const { watching, progress, pass } = await opened({ columns: 52 });
    progress.onEvent(started('api', `uses ${secret.reveal()}`));
    progress.watched?.onHost('api', { host: 'www1', phase: 'start', event: 'started' });
    progress.watched?.onLine('www1', 'start', `PW=${secret.reveal()}`);
    pass(1_000);
    progress.end([result(`x${secret.reveal()}`)]);
    const all = (await watching.all()).join('\n');
    expect(all).not.toContain('very');
    expect(all).toContain('x[redacted]');
  });
});

describe('nobody watches', () => {
  it('lines are written once, and nothing is redrawn', async () => {
    const { watching, progress, pass, abort } = await opened({ columns: 300 }, { env: { CI: 'true' } });
    progress.onEvent(started('units', 'put'));
    progress.onEvent(started('money', 'wait until visible'));
    pass(1_000);
    retrying(progress);
    progress.settled(result('units'));
    abort.abort(new Error('stopped'));
    progress.end([result('units')]);
    expect(progress.watched).toBeUndefined();
    expect(await watching.all()).toEqual([
      expect.stringMatching(
        /^money: "wait until visible" again in 4\.0 s, until \d\d:\d\d:\d\d at most \(NOT_VISIBLE_YET: /,
      ),
      'units@1.0.0 -> test: visible, tagged',
      expect.stringMatching(/^stopping: /),
    ]);
  });

  it('a wait that goes on is said again each half a minute', async () => {
    const { watching, progress, pass } = await opened({ columns: 300 }, { env: { CI: 'true' } });
    for (let second = 0; second <= 60; second += 5) {
      retrying(progress);
      pass(5_000);
    }
    progress.onEvent({ subject: 'units', event: 'retrying', row: 'put', error: notVisible(), inMs: 1_000 });
    progress.end();
    const said = (await watching.all()).map((line) => line.split(' again')[0]);
    expect(said).toEqual([
      'money: "wait until visible"',
      'money: "wait until visible"',
      'money: "wait until visible"',
      'units: "put"',
    ]);
  });

  it.each([
    [{}, true],
    [{ CI: '' }, true],
    [{ CI: 'false' }, true],
    [{ CI: '1' }, false],
    [{ NO_COLOR: '1' }, false],
    [{ NO_COLOR: '' }, true],
    [{ TERM: 'dumb' }, false],
    [{ NX_TASK_TARGET_PROJECT: 'api' }, false],
  ])('%j says %s', (env, watched) => {
    expect(isWatched({ isTTY: true }, env)).toBe(watched);
    expect(isWatched({}, env)).toBe(false);
  });
});

describe('plain words of a wait', () => {
  const now = new Date(2026, 0, 1, 12, 0, 0);
  it.each<[HostEvent, string | undefined]>([
    [{ host: 'www1', phase: 'start', event: 'started' }, undefined],
    [{ host: 'www1', phase: 'watch', event: 'done' }, undefined],
    [
      {
        host: 'www1',
        phase: 'watch',
        event: 'started',
        awaits: { for: 'the bake time to pass', ms: 30_000 },
      },
      'www1 watch: waits for the bake time to pass, until 12:00:30 at most',
    ],
    [
      { host: 'www1', phase: 'pull', event: 'lost', leftMs: 90_000 },
      'www1 pull: the host does not answer; it is waited for until 12:01:30 at most',
    ],
  ])('%j', (event, line) => expect(hostLine(event, now)).toBe(line));

  it('name what a row waits for, and how long an error is lived with', () => {
    const waiting = {
      subject: 'web',
      event: 'waiting' as const,
      row: 'backup',
      state: 'baked',
      for: ['api'],
    } satisfies StepEvent;
    expect(waitingLine(waiting)).toBe('web: "backup" waits for api to be baked');
    const limited = errors.RATE_LIMITED({ stage: 'test', registry: 'r', waitMs: 60_000 });
    const retry = { subject: 'money', event: 'retrying', row: 'put', error: limited, inMs: 60_000 } as const;
    expect(retryLine({ ...retry, leftMs: 119_000 }, now)).toMatch(
      /^money: "put" again in 60\.0 s, until 12:01:59 at most \(RATE_LIMITED: /,
    );
    expect(retryLine(retry, now)).toMatch(/^money: "put" again in 60\.0 s \(RATE_LIMITED: /);
  });
});

describe('the words', () => {
  it('never say more time than has passed', () => {
    expect([0, 99, 1_990, 59_999, 60_000, 3_599_999, 7_800_000].map(passed)).toEqual([
      '0.0 s',
      '0.0 s',
      '1.9 s',
      '59 s',
      '1 min 0 s',
      '59 min 59 s',
      '2 h 10 min',
    ]);
  });

  it('say a time by the clock, and the day where it is another', () => {
    const now = new Date(2026, 0, 1, 23, 59, 0);
    expect(clockTime(new Date(2026, 0, 1, 23, 59, 9), now)).toBe('23:59:09');
    expect(clockTime(new Date(2026, 0, 2, 0, 1, 0), now)).toBe('2026-01-02 00:01:00');
  });

  it('fit into their columns, wide ones too, and do nothing to a terminal', () => {
    expect([fit('abc', 3), fit('abcd', 3), fit('漢字', 4), fit('漢字x', 4), fit('a', 0)]).toEqual([
      'abc',
      'ab…',
      '漢字',
      '漢…',
      '',
    ]);
    expect(tame('a\u001b[2Jb\r\nc\u0085d')).toBe('ab c d');
  });
});
