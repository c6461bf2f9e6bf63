import { silent } from '@acme/logger';
import type { Logger } from '@acme/logger';
import { fromDecimal, sum } from '@acme/money';
import type { Money } from '@acme/money';
import { Decimal } from '@acme/units';
import type { Quantity } from '@acme/units';

export interface LineInput {
  description: string;
  quantity: Quantity;
  /** Price of one unit, without tax. */
  unitPrice: Money;
  /** Tax in percent: `'19'`, `'7.5'`, `'0'`. */
  taxRate: string;
  /** Discount on this line in percent. */
  discount?: string;
}

export interface Line extends LineInput {
  /** After the discount, rounded to the cent. */
  net: Money;
}

export interface TaxTotal {
  /** In percent, without zeros at the end: `'19'`. */
  rate: string;
  net: Money;
  tax: Money;
}

export interface Invoice {
  number: string;
  currency: string;
  lines: Line[];
  /** One entry a rate, lowest rate first. */
  taxes: TaxTotal[];
  net: Money;
  tax: Money;
  gross: Money;
}

export interface InvoiceOptions {
  number: string;
  currency: string;
  lines: LineInput[];
  /**
   * Where tax is rounded: once for each rate (`rate`, what most tax offices expect), or for each line and then added
   * up (`line`, what many tills do). The two may differ by some cents.
   */
  roundTax?: 'rate' | 'line';
  logger?: Logger;
}

/** An invoice that cannot be written; `problems` names each line by its number. */
export class InvoiceError extends RangeError {
  readonly problems: string[];
  constructor(number: string, problems: string[]) {
    super(`invoice ${number}: ${problems.join('; ')}`);
    this.name = 'InvoiceError';
    this.problems = problems;
  }
}

/** Adds the lines up. `net + tax = gross` holds to the cent, for each rate and for the whole. */
export function createInvoice(options: InvoiceOptions): Invoice {
  const { number, currency, roundTax = 'rate', logger = silent } = options;
  const problems = check(options);
  if (problems.length > 0) {
    logger.error('invoice refused', { number, problems });
    throw new InvoiceError(number, problems);
  }

  const lines = options.lines.map((line) => ({ ...line, net: netOf(line) }));
  const rateOf = (line: Line): string => Decimal.of(line.taxRate).normalize().toString();
  const taxes = [...new Set(lines.map(rateOf))]
    .map((rate) =>
      taxTotal(
        rate,
        lines.filter((line) => rateOf(line) === rate).map((line) => line.net),
        currency,
        roundTax,
      ),
    )
    .toSorted((a, b) => Decimal.of(a.rate).compare(b.rate));
  const net = sum(
    taxes.map((total) => total.net),
    currency,
  );
  const tax = sum(
    taxes.map((total) => total.tax),
    currency,
  );
  const gross = net.add(tax);
  logger.info('invoice created', { number, lines: lines.length, gross: gross.toJSON() });
  return { number, currency, lines, taxes, net, tax, gross };
}

function check({ currency, lines }: InvoiceOptions): string[] {
  const problems: string[] = lines.length === 0 ? ['there are no lines'] : [];
  for (const [index, line] of lines.entries()) {
    const where = `line ${index + 1}`;
    const discount = Decimal.of(line.discount ?? '0');
    if (line.unitPrice.currency !== currency)
      problems.push(`${where} is in ${line.unitPrice.currency}, not ${currency}`);
    if (Decimal.of(line.taxRate).sign < 0) problems.push(`${where} has a negative tax rate`);
    if (discount.sign < 0 || discount.compare(100) > 0)
      problems.push(`${where} has a discount outside 0 to 100`);
  }
  return problems;
}

function netOf({ quantity, unitPrice, discount = '0' }: LineInput): Money {
  const keeps = Decimal.of(100).subtract(discount).multiply('0.01');
  // Rounded once, after all factors, and away from zero at the half: what a customer works out on paper.
  return fromDecimal(
    unitPrice.amount.multiply(quantity.value).multiply(keeps),
    unitPrice.currency,
    'half-up',
  );
}

function taxTotal(rate: string, nets: Money[], currency: string, roundTax: 'rate' | 'line'): TaxTotal {
  const net = sum(nets, currency);
  const byLine = (): Money =>
    sum(
      nets.map((one) => percent(one, rate)),
      currency,
    );
  return { rate, net, tax: roundTax === 'line' ? byLine() : percent(net, rate) };
}

function percent(amount: Money, rate: string): Money {
  return amount.multiply(Decimal.of(rate).multiply('0.01'), 'half-up');
}
