/** How a digit that does not fit is rounded; `half-even` is what bookkeeping calls banker's rounding. */
export type Rounding = 'half-even' | 'half-up' | 'half-down' | 'up' | 'down' | 'floor' | 'ceiling';

const FORM = /^([+-]?)(\d+)(?:\.(\d+))?$/;

/** Integer division of `a` by `b` (b > 0), rounded as asked. */
export function divideRounded(a: bigint, b: bigint, rounding: Rounding): bigint {
  if (b <= 0n) throw new RangeError('the divisor must be positive');
  const quotient = a / b;
  const rest = a % b;
  if (rest === 0n) return quotient;
  const away = a < 0n ? -1n : 1n;
  const twice = (rest < 0n ? -rest : rest) * 2n;
  switch (rounding) {
    case 'down':
      return quotient;
    case 'up':
      return quotient + away;
    case 'floor':
      return a < 0n ? quotient - 1n : quotient;
    case 'ceiling':
      return a < 0n ? quotient : quotient + 1n;
    default: {
      if (twice !== b) return twice > b ? quotient + away : quotient;
      if (rounding === 'half-up') return quotient + away;
      if (rounding === 'half-down') return quotient;
      return quotient % 2n === 0n ? quotient : quotient + away;
    }
  }
}

/** An exact decimal number: `coefficient / 10^scale`. Immutable; no operation goes through a floating-point number. */
export class Decimal {
  readonly coefficient: bigint;
  /** Digits after the point, as written: `1.50` has two. */
  readonly scale: number;

  constructor(coefficient: bigint, scale = 0) {
    if (!Number.isInteger(scale) || scale < 0) throw new RangeError('a scale is a whole number from 0 up');
    this.coefficient = coefficient;
    this.scale = scale;
  }

  /**
   * Reads `"12.50"`, a bigint, or a whole number. A fraction as a JavaScript number is refused: `0.1 + 0.2` has
   * already lost what this type is there to keep.
   */
  static of(value: Decimal | string | bigint | number): Decimal {
    if (value instanceof Decimal) return value;
    if (typeof value === 'bigint') return new Decimal(value);
    if (typeof value === 'number') {
      if (Number.isSafeInteger(value)) return new Decimal(BigInt(value));
      throw new TypeError(`${value} is not a safe integer: write it as a string, for instance "${value}"`);
    }
    const match = FORM.exec(value.trim());
    if (!match) throw new TypeError(`"${value}" is not a decimal number`);
    const [, sign, whole = '', fraction = ''] = match;
    const digits = BigInt(whole + fraction);
    return new Decimal(sign === '-' ? -digits : digits, fraction.length);
  }

  get sign(): -1 | 0 | 1 {
    if (this.coefficient === 0n) return 0;
    return this.coefficient < 0n ? -1 : 1;
  }

  negate(): Decimal {
    return new Decimal(-this.coefficient, this.scale);
  }

  add(other: Decimal | string | bigint | number): Decimal {
    const that = Decimal.of(other);
    const scale = Math.max(this.scale, that.scale);
    return new Decimal(this.#at(scale) + that.#at(scale), scale);
  }

  subtract(other: Decimal | string | bigint | number): Decimal {
    return this.add(Decimal.of(other).negate());
  }

  multiply(other: Decimal | string | bigint | number): Decimal {
    const that = Decimal.of(other);
    return new Decimal(this.coefficient * that.coefficient, this.scale + that.scale);
  }

  /** The quotient with `scale` digits; division is the one operation that may have to round. */
  divide(
    other: Decimal | string | bigint | number,
    scale: number,
    rounding: Rounding = 'half-even',
  ): Decimal {
    const that = Decimal.of(other);
    if (that.coefficient === 0n) throw new RangeError('division by zero');
    const sign = that.coefficient < 0n ? -1n : 1n;
    const above = sign * this.coefficient * 10n ** BigInt(that.scale + scale);
    const below = sign * that.coefficient * 10n ** BigInt(this.scale);
    return new Decimal(divideRounded(above, below, rounding), scale);
  }

  /** The same number with exactly `scale` digits. */
  round(scale: number, rounding: Rounding = 'half-even'): Decimal {
    if (scale >= this.scale) return new Decimal(this.#at(scale), scale);
    return new Decimal(divideRounded(this.coefficient, 10n ** BigInt(this.scale - scale), rounding), scale);
  }

  /** Without zeros at the end: `1.50` becomes `1.5`. */
  normalize(): Decimal {
    let { coefficient, scale } = this;
    while (scale > 0 && coefficient % 10n === 0n) {
      coefficient /= 10n;
      scale -= 1;
    }
    return new Decimal(coefficient, scale);
  }

  compare(other: Decimal | string | bigint | number): -1 | 0 | 1 {
    return this.subtract(other).sign;
  }

  /** Equal as numbers: `1.5` equals `1.50`. */
  equals(other: Decimal | string | bigint | number): boolean {
    return this.compare(other) === 0;
  }

  toString(): string {
    const negative = this.coefficient < 0n;
    const digits = (negative ? -this.coefficient : this.coefficient).toString().padStart(this.scale + 1, '0');
    const whole = digits.slice(0, digits.length - this.scale);
    const fraction = this.scale > 0 ? `.${digits.slice(-this.scale)}` : '';
    return `${negative ? '-' : ''}${whole}${fraction}`;
  }

  toJSON(): string {
    return this.toString();
  }

  #at(scale: number): bigint {
    return this.coefficient * 10n ** BigInt(scale - this.scale);
  }
}
