export { minorDigits } from './currency.ts';
export { CurrencyMismatchError, fromDecimal, Money, money, sum, zero } from './money.ts';
export { createExchange, RateMissingError } from './exchange.ts';
export type { ExchangeOptions } from './exchange.ts';
