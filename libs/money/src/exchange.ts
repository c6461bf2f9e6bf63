import { silent } from '@acme/logger';
import type { Logger } from '@acme/logger';
import { Decimal } from '@acme/units';
import type { Rounding } from '@acme/units';
import { minorDigits } from './currency.ts';
import { fromDecimal } from './money.ts';
import type { Money } from './money.ts';

export interface ExchangeOptions {
  /** What one unit of `base` buys: `{USD: '1.0842'}`. */
  rates: Record<string, string>;
  base: string;
  rounding?: Rounding;
  logger?: Logger;
}

/** There is no rate for this currency. */
export class RateMissingError extends RangeError {
  constructor(currency: string, base: string) {
    super(`there is no rate from ${base} to ${currency}`);
    this.name = 'RateMissingError';
  }
}

/** Converts between the currencies of a table of rates, through its base; rounds once, at the end. */
export function createExchange(options: ExchangeOptions): (amount: Money, to: string) => Money {
  const { base, rounding = 'half-even', logger = silent } = options;
  const rates = new Map(
    Object.entries(options.rates).map(([currency, rate]) => [currency, Decimal.of(rate)]),
  );
  for (const [currency, rate] of rates) {
    minorDigits(currency);
    if (rate.sign <= 0) throw new RangeError(`the rate of ${currency} must be above zero`);
  }
  rates.set(base, Decimal.of(1));
  const rateOf = (currency: string): Decimal => {
    const rate = rates.get(currency);
    if (!rate) throw new RateMissingError(currency, base);
    return rate;
  };

  return (amount, to) => {
    if (amount.currency === to) return amount;
    const above = amount.amount.multiply(rateOf(to));
    const result = fromDecimal(
      above.divide(rateOf(amount.currency), minorDigits(to), rounding),
      to,
      rounding,
    );
    logger.debug('exchanged', { from: amount.toJSON(), to: result.toJSON(), base });
    return result;
  };
}
