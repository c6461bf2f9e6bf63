import { createLogger } from '@acme/logger';
import { describe, expect, it } from 'vitest';
import {
  createExchange,
  CurrencyMismatchError,
  fromDecimal,
  minorDigits,
  money,
  RateMissingError,
  sum,
} from './index.ts';

describe('money', () => {
  it('knows how many digits a currency has', () => {
    expect(['EUR', 'JPY', 'KWD'].map(minorDigits)).toEqual([2, 0, 3]);
    expect(() => minorDigits('euro')).toThrow(TypeError);
  });

  it('refuses what the currency cannot pay, and rounds only when told to', () => {
    expect(money('12.3', 'EUR').toString()).toBe('12.30 EUR');
    expect(money('12.30 EUR').minor).toBe(1230n);
    expect(() => money('12.345 EUR')).toThrow(RangeError);
    expect(() => money('0.5 JPY')).toThrow(RangeError);
    expect(fromDecimal('12.345', 'EUR').toString()).toBe('12.34 EUR');
    expect(fromDecimal('12.345', 'EUR', 'half-up').toString()).toBe('12.35 EUR');
  });

  it('keeps currencies apart', () => {
    expect(() => money('1 EUR').add(money('1 USD'))).toThrow(CurrencyMismatchError);
    expect(() => money('1 EUR').compare(money('1 USD'))).toThrow(CurrencyMismatchError);
    expect(money('1 EUR').equals(money('1 USD'))).toBe(false);
  });

  it('adds, subtracts, multiplies', () => {
    expect(sum([money('0.10 EUR'), money('0.20 EUR')], 'EUR').toString()).toBe('0.30 EUR');
    expect(sum([], 'JPY').toString()).toBe('0 JPY');
    expect(money('5 EUR').subtract(money('7.50 EUR')).toString()).toBe('-2.50 EUR');
    expect(money('9.99 EUR').multiply('0.19').toString()).toBe('1.90 EUR');
  });

  it.each([
    ['100.00 EUR', [1, 1, 1], ['33.34', '33.33', '33.33']],
    ['0.05 EUR', ['0.3', '0.7'], ['0.02', '0.03']],
    ['-100.00 EUR', [1, 1, 1], ['-33.34', '-33.33', '-33.33']],
    ['0.01 EUR', [0, 1, 0], ['0.00', '0.01', '0.00']],
    ['7 JPY', [5, 3, 2], ['4', '2', '1']],
  ] as const)('splits %s by %j', (text, weights, expected) => {
    const whole = money(text);
    const parts = whole.allocate(weights);
    expect(parts.map(({ amount }) => amount.toString())).toEqual(expected);
    expect(sum(parts, whole.currency).equals(whole)).toBe(true);
  });

  it('loses no cent, whatever the amount and the number of parts', () => {
    for (let minor = -40n; minor <= 40n; minor += 7n) {
      for (let parts = 1; parts <= 9; parts += 1) {
        const whole = fromDecimal(money(0, 'EUR').amount.add('0.01').multiply(minor), 'EUR');
        const split = whole.split(parts);
        expect(sum(split, 'EUR').minor).toBe(minor);
        const minors = split.map((part) => Number(part.minor));
        expect(Math.max(...minors) - Math.min(...minors)).toBeLessThanOrEqual(1);
      }
    }
    expect(() => money('1 EUR').allocate([])).toThrow(RangeError);
    expect(() => money('1 EUR').allocate([2, -1])).toThrow(RangeError);
  });

  it('formats for people, exactly, at any size', () => {
    expect(money('1234.5 EUR').format('en-US')).toBe('€1,234.50');
    expect(money('90071992547409930.07 USD').format('en-US')).toBe('$90,071,992,547,409,930.07');
    expect(money('1234 JPY').format('en-US')).toBe('¥1,234');
  });
});

describe('createExchange', () => {
  const rates = { USD: '1.10', JPY: '160' };

  it('goes through the base and rounds once', () => {
    const exchange = createExchange({ base: 'EUR', rates });
    expect(exchange(money('100 EUR'), 'USD').toString()).toBe('110.00 USD');
    expect(exchange(money('110 USD'), 'JPY').toString()).toBe('16000 JPY');
    expect(exchange(money('1 JPY'), 'EUR').toString()).toBe('0.01 EUR');
    const same = money('1 EUR');
    expect(exchange(same, 'EUR')).toBe(same);
  });

  it('names the rate that is missing, and refuses one that cannot be', () => {
    expect(() => createExchange({ base: 'EUR', rates })(money('1 EUR'), 'CHF')).toThrow(RateMissingError);
    expect(() => createExchange({ base: 'EUR', rates: { USD: '0' } })).toThrow(RangeError);
  });

  it('tells the logger what it did', () => {
    const lines: string[] = [];
    const logger = createLogger({ level: 'debug', write: (line) => lines.push(line) });
    createExchange({ base: 'EUR', rates, logger })(money('2 EUR'), 'USD');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      message: 'exchanged',
      to: { amount: '2.20', currency: 'USD' },
    });
  });
});
