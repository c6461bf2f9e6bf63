import { Decimal, divideRounded } from './decimal.ts';
import type { Rounding } from './decimal.ts';
import { dimensionOf, isUnit, UNITS } from './units.ts';
import type { Unit } from './units.ts';

/** Two units that do not measure the same thing. */
export class DimensionError extends TypeError {
  constructor(from: Unit, to: Unit) {
    super(`${from} measures ${dimensionOf(from)}, ${to} measures ${dimensionOf(to)}`);
    this.name = 'DimensionError';
  }
}

/** The exact result has no end as a decimal number, and no rounding was asked for. */
export class InexactError extends RangeError {
  constructor(what: string) {
    super(`${what} is not a finite decimal number: say how many digits are wanted`);
    this.name = 'InexactError';
  }
}

/** A number of units, for instance 1.5 kWh. Immutable. */
export class Quantity {
  readonly value: Decimal;
  readonly unit: Unit;

  constructor(value: Decimal, unit: Unit) {
    this.value = value;
    this.unit = unit;
  }

  /**
   * The same quantity in another unit. Exact; where no finite decimal number is, give `scale` (digits after the
   * point), else an InexactError is thrown.
   */
  to(unit: Unit, options: { scale?: number; rounding?: Rounding } = {}): Quantity {
    const from = UNITS[this.unit];
    const target = UNITS[unit];
    if (from.dimension !== target.dimension) throw new DimensionError(this.unit, unit);
    const above = this.value.coefficient * from.numerator * target.denominator;
    const below = 10n ** BigInt(this.value.scale) * from.denominator * target.numerator;
    const { scale, rounding = 'half-even' } = options;
    if (scale !== undefined) {
      return new Quantity(
        new Decimal(divideRounded(above * 10n ** BigInt(scale), below, rounding), scale),
        unit,
      );
    }
    return new Quantity(exactly(above, below, `${this.toString()} in ${unit}`), unit);
  }

  add(other: Quantity): Quantity {
    return new Quantity(this.value.add(other.to(this.unit).value), this.unit);
  }

  subtract(other: Quantity): Quantity {
    return new Quantity(this.value.subtract(other.to(this.unit).value), this.unit);
  }

  multiply(factor: Decimal | string | bigint | number): Quantity {
    return new Quantity(this.value.multiply(factor), this.unit);
  }

  /** Compares without rounding, also where one of the units has no finite form in the other. */
  compare(other: Quantity): -1 | 0 | 1 {
    const a = UNITS[this.unit];
    const b = UNITS[other.unit];
    if (a.dimension !== b.dimension) throw new DimensionError(this.unit, other.unit);
    const left = this.value.multiply(a.numerator * b.denominator);
    return left.compare(other.value.multiply(b.numerator * a.denominator));
  }

  equals(other: Quantity): boolean {
    return dimensionOf(this.unit) === dimensionOf(other.unit) && this.compare(other) === 0;
  }

  toString(): string {
    return `${this.value.toString()} ${this.unit}`;
  }

  toJSON(): { value: string; unit: Unit } {
    return { value: this.value.toString(), unit: this.unit };
  }
}

/** `quantity('1.5', 'kWh')`, or read from text: `quantity('1.5 kWh')`. */
export function quantity(value: Decimal | string | bigint | number, unit?: Unit): Quantity {
  if (unit !== undefined) return new Quantity(Decimal.of(value), unit);
  const [number = '', name = '', ...rest] = String(value).trim().split(/\s+/);
  if (rest.length > 0 || !isUnit(name)) throw new TypeError(`"${String(value)}" is not a number and a unit`);
  return new Quantity(Decimal.of(number), name);
}

/** above / below as a decimal number of as few digits as it needs. */
function exactly(above: bigint, below: bigint, what: string): Decimal {
  const divisor = gcd(above < 0n ? -above : above, below);
  let rest = below / divisor;
  let twos = 0;
  let fives = 0;
  for (; rest % 2n === 0n; rest /= 2n) twos += 1;
  for (; rest % 5n === 0n; rest /= 5n) fives += 1;
  if (rest !== 1n) throw new InexactError(what);
  const scale = Math.max(twos, fives);
  return new Decimal((above * 10n ** BigInt(scale)) / below, scale);
}

function gcd(a: bigint, b: bigint): bigint {
  return b === 0n ? a : gcd(b, a % b);
}
