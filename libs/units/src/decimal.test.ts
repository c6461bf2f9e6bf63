import { describe, expect, it } from 'vitest';
import { Decimal } from './decimal.ts';
import type { Rounding } from './decimal.ts';

const d = (value: string) => Decimal.of(value);

describe('Decimal', () => {
  it('adds what floating point cannot', () => {
    expect(d('0.1').add('0.2').toString()).toBe('0.3');
    expect(d('1').subtract('0.00000000000000000001').toString()).toBe('0.99999999999999999999');
  });

  it('keeps the digits as written, and drops them on request', () => {
    expect(d('1.50').toString()).toBe('1.50');
    expect(d('1.50').normalize().toString()).toBe('1.5');
    expect(d('-0.05').toString()).toBe('-0.05');
    expect(d('100').normalize().toString()).toBe('100');
  });

  it.each(['', '1,5', '1e3', '.5', '5.', 'NaN', '0x10'])('refuses %j', (text) => {
    expect(() => d(text)).toThrow(TypeError);
  });

  it('refuses numbers that have lost digits already', () => {
    expect(() => Decimal.of(0.1)).toThrow(/"0.1"/);
    expect(() => Decimal.of(2 ** 53)).toThrow(TypeError);
    expect(Decimal.of(-7).toString()).toBe('-7');
  });

  const rows: [Rounding, string[]][] = [
    //             2.5  3.5  2.4  2.6  -2.5  -2.4  -2.6
    ['half-even', ['2', '4', '2', '3', '-2', '-2', '-3']],
    ['half-up', ['3', '4', '2', '3', '-3', '-2', '-3']],
    ['half-down', ['2', '3', '2', '3', '-2', '-2', '-3']],
    ['up', ['3', '4', '3', '3', '-3', '-3', '-3']],
    ['down', ['2', '3', '2', '2', '-2', '-2', '-2']],
    ['floor', ['2', '3', '2', '2', '-3', '-3', '-3']],
    ['ceiling', ['3', '4', '3', '3', '-2', '-2', '-2']],
  ];
  it.each(rows)('rounds %s', (rounding, expected) => {
    const inputs = ['2.5', '3.5', '2.4', '2.6', '-2.5', '-2.4', '-2.6'];
    expect(inputs.map((text) => d(text).round(0, rounding).toString())).toEqual(expected);
  });

  it('divides to as many digits as asked', () => {
    expect(d('1').divide('3', 5).toString()).toBe('0.33333');
    expect(d('-1').divide('-8', 2).toString()).toBe('0.12');
    expect(d('2').divide('-3', 2).toString()).toBe('-0.67');
    expect(() => d('1').divide('0', 2)).toThrow(RangeError);
  });

  it('compares as numbers', () => {
    expect(d('1.5').equals('1.50')).toBe(true);
    expect(
      ['10', '9.99', '-1']
        .map(d)
        .sort((a, b) => a.compare(b))
        .map(String),
    ).toEqual(['-1', '9.99', '10']);
  });
});
