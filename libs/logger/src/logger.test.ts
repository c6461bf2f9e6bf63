import { describe, expect, it } from 'vitest';
import { createLogger, silent } from './index.ts';
import type { LoggerOptions } from './index.ts';

function recording(options: LoggerOptions = {}) {
  const lines: Record<string, unknown>[] = [];
  const write = (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>);
  return { lines, log: createLogger({ now: () => new Date(0), write, ...options }) };
}

describe('createLogger', () => {
  it('writes one object a line', () => {
    const { lines, log } = recording({ fields: { app: 'till' } });
    log.info('paid', { amount: 12n });
    expect(lines).toEqual([
      { time: '1970-01-01T00:00:00.000Z', level: 'info', message: 'paid', app: 'till', amount: '12' },
    ]);
  });

  it('writes nothing below its level', () => {
    const { lines, log } = recording({ level: 'warn' });
    log.info('no');
    log.warn('yes');
    log.error('yes');
    expect(lines.map(({ level }) => level)).toEqual(['warn', 'error']);
    expect([log.enabled('info'), log.enabled('error'), silent.enabled('error')]).toEqual([
      false,
      true,
      false,
    ]);
  });

  it('gives children the fields of their parents', () => {
    const { lines, log } = recording({ level: 'error', fields: { app: 'till', shop: 1 } });
    log.child({ shop: 2 }, { level: 'debug' }).child({ customer: 'c7' }).debug('seen');
    expect(lines).toMatchObject([{ level: 'debug', app: 'till', shop: 2, customer: 'c7' }]);
  });

  it('does not let a field pass for the level, the time or the message', () => {
    const { lines, log } = recording();
    log.warn('real', { level: 'info', message: 'forged', time: 'never' });
    expect(lines).toEqual([{ time: '1970-01-01T00:00:00.000Z', level: 'warn', message: 'real' }]);
  });

  it('survives what JSON does not', () => {
    const { lines, log } = recording();
    const circle: Record<string, unknown> = { name: 'a' };
    circle['self'] = circle;
    const twice = { x: 1 };
    log.error('all', {
      circle,
      twice: [twice, twice],
      map: new Map([['k', new Set([1])]]),
      date: new Date(0),
      error: new Error('outer', { cause: new RangeError('inner') }),
    });
    expect(lines[0]).toMatchObject({
      circle: { name: 'a', self: '[circular]' },
      twice: [{ x: 1 }, { x: 1 }],
      map: { k: [1] },
      date: '1970-01-01T00:00:00.000Z',
      error: { name: 'Error', message: 'outer', cause: { name: 'RangeError', message: 'inner' } },
    });
  });

  it('writes the line even where a field throws', () => {
    const { lines, log } = recording({ fields: { app: 'till' } });
    const fail = (): never => {
      throw new Error('no');
    };
    log.error('deep', { value: { toJSON: fail } });
    log.error('at the top', Object.defineProperty({}, 'broken', { enumerable: true, get: fail }));
    expect(lines).toMatchObject([
      { message: 'deep', value: '[unreadable: no]' },
      { message: 'at the top', app: 'till', fields: '[unreadable: Error: no]' },
    ]);
  });
});
