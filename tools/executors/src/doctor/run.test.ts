import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { errors } from '../foundation/index.ts';
import { given, ok } from './findings.ts';
import { runChecks } from './run.ts';
import type { Check } from './types.ts';

const check = (title: string, run: Check['run'], more: Partial<Check> = {}): Check => ({
  room: 'tools',
  title,
  run,
  ...more,
});

describe('checks', () => {
  it('that throw, hang or lack what they need stop no other, and each says its own', async () => {
    const failing = Promise.reject(errors.GIT_MISSING({}));
    const answers = await runChecks([
      check('fine', async () => ok('well'), { stage: 'test' }),
      check('foreseen', async () => {
        throw errors.STAGE_UNKNOWN({ stage: 'tset', stages: ['test'] });
      }),
      check('unforeseen', async () => JSON.parse('{')),
      check('hangs', () => new Promise(() => {}), { limitMs: 30, stage: 'public' }),
      check('heeds its signal', (signal) => pause(60_000, ok(''), { signal }), { limitMs: 30 }),
      check('needs another', async () => ok(await given(failing, 'git cannot be asked'))),
      check('last', async () => ok('well too')),
    ]);
    expect(answers.map(({ ms: _, ...rest }) => rest)).toEqual([
      { room: 'tools', title: 'fine', stage: 'test', verdict: 'ok', said: 'well' },
      {
        room: 'tools',
        title: 'foreseen',
        verdict: 'problem',
        said: 'there is no stage "tset". Stages: test',
        next: 'use one of these names, or add the stage: npx nx g @sluice/nx:stage <name>',
        code: 'STAGE_UNKNOWN',
      },
      expect.objectContaining({ title: 'unforeseen', verdict: 'problem', code: 'UNEXPECTED' }),
      {
        room: 'tools',
        title: 'hangs',
        stage: 'public',
        verdict: 'problem',
        said: 'no answer within 0.03 s',
        next: 'npx sluice doctor public (again; where it stays, what is asked here does not answer)',
        code: 'STEP_TIMED_OUT',
      },
      expect.objectContaining({ title: 'heeds its signal', said: 'no answer within 0.03 s' }),
      {
        room: 'tools',
        title: 'needs another',
        verdict: 'not checked',
        said: 'git cannot be asked (GIT_MISSING, above)',
      },
      { room: 'tools', title: 'last', verdict: 'ok', said: 'well too' },
    ]);
  });

  it('run side by side, so many at once and no more', async () => {
    let now = 0;
    let most = 0;
    const slow = check('slow', async () => {
      most = Math.max(most, (now += 1));
      await pause(5);
      now -= 1;
      return ok('');
    });
    await runChecks(Array(9).fill(slow), { atOnce: 3 });
    expect([most, now]).toEqual([3, 0]);
  });

  it('are not made any more once somebody stops them', async () => {
    const stop = new AbortController();
    const made: string[] = [];
    const answers = await runChecks(
      [
        check('first', async () => {
          made.push('first');
          stop.abort();
          return new Promise(() => {});
        }),
        check('second', async () => {
          made.push('second');
          return ok('');
        }),
      ],
      { signal: stop.signal, atOnce: 1 },
    );
    expect(made).toEqual(['first']);
    expect(answers.map(({ verdict, said }) => `${verdict}: ${said}`)).toEqual([
      'not checked: stopped on request',
      'not checked: stopped on request',
    ]);
  });
});
