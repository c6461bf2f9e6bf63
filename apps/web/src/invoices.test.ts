import { describe, expect, it } from 'vitest';
import { describeInvoices } from './invoices.ts';

const invoice = (number: string) => ({ number, document: { gross: { amount: '11.89', currency: 'EUR' } } });

describe('describeInvoices', () => {
  it.each([
    [undefined, 'The API does not answer.', []],
    [[], 'No invoices.', []],
    [[invoice('7')], 'One invoice.', ['7: 11.89 EUR']],
    [[invoice('7'), invoice('8')], '2 invoices.', ['7: 11.89 EUR', '8: 11.89 EUR']],
  ])('%j', (invoices, summary, lines) => {
    expect(describeInvoices(invoices)).toEqual({ summary, lines });
  });
});
