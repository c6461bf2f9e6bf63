import { describe, expect, it } from 'vitest';
import { DimensionError, InexactError, quantity } from './quantity.ts';

describe('Quantity', () => {
  it.each([
    ['1.5 km', 'm', '1500'],
    ['1 in', 'mm', '25.4'],
    ['26.2 mi', 'km', '42.1648128'],
    ['36 s', 'h', '0.01'],
    ['1 oz', 'g', '28.349523125'],
    ['3 GiB', 'B', '3221225472'],
    ['-2 dozen', 'piece', '-24'],
  ] as const)('%s is %s %s', (text, unit, value) => {
    expect(quantity(text).to(unit).value.toString()).toBe(value);
  });

  it('does not round unless asked', () => {
    expect(() => quantity('1 min').to('h')).toThrow(InexactError);
    expect(quantity('1 min').to('h', { scale: 4 }).toString()).toBe('0.0167 h');
    expect(quantity('1 min').to('h', { scale: 4, rounding: 'down' }).toString()).toBe('0.0166 h');
  });

  it('keeps dimensions apart', () => {
    expect(() => quantity('1 kg').to('m')).toThrow(DimensionError);
    expect(() => quantity('1 kg').compare(quantity('1 m'))).toThrow(DimensionError);
    expect(quantity('1 kg').equals(quantity('1 m'))).toBe(false);
  });

  it('adds across units, and compares where conversion would have no end', () => {
    expect(quantity('1 km').add(quantity('250 m')).toString()).toBe('1.25 km');
    expect(quantity('1 h').subtract(quantity('30 min')).toString()).toBe('0.5 h');
    expect(quantity('59 min').compare(quantity('1 h'))).toBe(-1);
    expect(quantity('60 min').equals(quantity('1 h'))).toBe(true);
  });

  it('refuses text that is not a number and a unit', () => {
    for (const text of ['1', 'kg', '1 stone', '1 kg 2', '1 toString'])
      expect(() => quantity(text)).toThrow(TypeError);
  });
});
