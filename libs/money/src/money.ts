import { Decimal } from '@acme/units';
import type { Rounding } from '@acme/units';
import { minorDigits } from './currency.ts';

/** Two amounts of different currencies in one operation. */
export class CurrencyMismatchError extends TypeError {
  constructor(left: string, right: string) {
    super(`${left} and ${right} cannot be put together: exchange one of them first`);
    this.name = 'CurrencyMismatchError';
  }
}

/** An amount in whole minor units (cents) of one currency. Immutable. */
export class Money {
  readonly minor: bigint;
  readonly currency: string;

  constructor(minor: bigint, currency: string) {
    minorDigits(currency);
    this.minor = minor;
    this.currency = currency;
  }

  /** The amount as a decimal number: 12.34. */
  get amount(): Decimal {
    return new Decimal(this.minor, minorDigits(this.currency));
  }

  get sign(): -1 | 0 | 1 {
    return this.amount.sign;
  }

  add(other: Money): Money {
    this.#same(other);
    return new Money(this.minor + other.minor, this.currency);
  }

  subtract(other: Money): Money {
    return this.add(other.negate());
  }

  negate(): Money {
    return new Money(-this.minor, this.currency);
  }

  /** Rounds to the minor unit; half to even unless said otherwise. */
  multiply(factor: Decimal | string | bigint | number, rounding: Rounding = 'half-even'): Money {
    return fromDecimal(this.amount.multiply(factor), this.currency, rounding);
  }

  compare(other: Money): -1 | 0 | 1 {
    this.#same(other);
    return this.amount.compare(other.amount);
  }

  equals(other: Money): boolean {
    return this.currency === other.currency && this.minor === other.minor;
  }

  /**
   * Splits by weights so that the parts add up to the whole. What does not divide goes, a cent each, to the parts
   * that lost most by rounding down (the earlier part where two lost the same).
   */
  allocate(weights: readonly (number | bigint | string)[]): Money[] {
    const parts = weights.map((weight) => Decimal.of(weight));
    if (parts.some(({ sign }) => sign < 0)) throw new RangeError('a weight cannot be negative');
    const scale = Math.max(0, ...parts.map((part) => part.scale));
    const shares = parts.map((part) => part.round(scale).coefficient);
    const total = shares.reduce((sum, share) => sum + share, 0n);
    if (total === 0n) throw new RangeError('at least one weight must be above zero');

    const whole = this.minor < 0n ? -this.minor : this.minor;
    const given = shares.map((share, index) => ({
      index,
      minor: (whole * share) / total,
      lost: (whole * share) % total,
    }));
    let left = whole - given.reduce((sum, { minor }) => sum + minor, 0n);
    for (const part of given.toSorted((a, b) =>
      a.lost === b.lost ? a.index - b.index : a.lost > b.lost ? -1 : 1,
    )) {
      if (left === 0n) break;
      part.minor += 1n;
      left -= 1n;
    }
    return given.map(({ minor }) => new Money(this.minor < 0n ? -minor : minor, this.currency));
  }

  /** Splits into `parts` parts that differ by a cent at most. */
  split(parts: number): Money[] {
    return this.allocate(Array.from({ length: parts }, () => 1));
  }

  /** For people: `format('de-DE')` gives `12,34 €`. Exact at any size. */
  format(locale: string, options: Intl.NumberFormatOptions = {}): string {
    const digits = minorDigits(this.currency);
    const format = new Intl.NumberFormat(locale, {
      style: 'currency',
      currency: this.currency,
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
      ...options,
    });
    return format.format(this.amount.toString() as Intl.StringNumericLiteral);
  }

  /** For machines: `12.34 EUR`, which `money()` reads. */
  toString(): string {
    return `${this.amount.toString()} ${this.currency}`;
  }

  toJSON(): { amount: string; currency: string } {
    return { amount: this.amount.toString(), currency: this.currency };
  }

  #same(other: Money): void {
    if (this.currency !== other.currency) throw new CurrencyMismatchError(this.currency, other.currency);
  }
}

/**
 * `money('12.34', 'EUR')`, or read from text: `money('12.34 EUR')`. More digits than the currency has are refused:
 * rounding is a decision, see {@link fromDecimal}.
 */
export function money(amount: Decimal | string | bigint | number, currency?: string): Money {
  if (currency === undefined) {
    const [number = '', code = '', ...rest] = String(amount).trim().split(/\s+/);
    if (rest.length > 0) throw new TypeError(`"${String(amount)}" is not an amount and a currency`);
    return money(number, code);
  }
  const digits = minorDigits(currency);
  const value = Decimal.of(amount);
  const rounded = value.round(digits, 'down');
  if (!rounded.equals(value)) {
    throw new RangeError(`${value.toString()} has more digits than ${currency}, which has ${digits}`);
  }
  return new Money(rounded.coefficient, currency);
}

/** The nearest amount that the currency can pay. */
export function fromDecimal(
  value: Decimal | string,
  currency: string,
  rounding: Rounding = 'half-even',
): Money {
  return new Money(Decimal.of(value).round(minorDigits(currency), rounding).coefficient, currency);
}

/** Nothing, in this currency. */
export function zero(currency: string): Money {
  return new Money(0n, currency);
}

/** The currency is needed because the list may be empty. */
export function sum(amounts: Iterable<Money>, currency: string): Money {
  let total = zero(currency);
  for (const amount of amounts) total = total.add(amount);
  return total;
}
