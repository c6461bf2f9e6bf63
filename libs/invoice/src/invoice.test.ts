import { createLogger } from '@acme/logger';
import { money, sum } from '@acme/money';
import { quantity } from '@acme/units';
import { describe, expect, it } from 'vitest';
import { createInvoice, InvoiceError, renderText } from './index.ts';
import type { LineInput } from './index.ts';

const line = (count: string, price: string, taxRate = '19', discount?: string): LineInput => ({
  description: 'Screw',
  quantity: quantity(count),
  unitPrice: money(price),
  taxRate,
  ...(discount === undefined ? {} : { discount }),
});
const invoice = (lines: LineInput[], roundTax?: 'rate' | 'line') =>
  createInvoice({ number: '2026-1', currency: 'EUR', lines, ...(roundTax ? { roundTax } : {}) });

describe('createInvoice', () => {
  it('adds up by rate, lowest first', () => {
    const made = invoice([
      line('3 piece', '9.99 EUR'),
      line('1.5 kg', '4.00 EUR', '7.0'),
      line('1 piece', '2 EUR', '7'),
    ]);
    expect(made.taxes.map(({ rate, net, tax }) => [rate, `${net.amount}`, `${tax.amount}`])).toEqual([
      ['7', '8.00', '0.56'],
      ['19', '29.97', '5.69'],
    ]);
    expect([made.net, made.tax, made.gross].map(String)).toEqual(['37.97 EUR', '6.25 EUR', '44.22 EUR']);
  });

  it('rounds tax where it is told to', () => {
    const lines = [line('1 piece', '0.03 EUR'), line('1 piece', '0.03 EUR'), line('1 piece', '0.03 EUR')];
    expect(invoice(lines, 'line').tax.toString()).toBe('0.03 EUR');
    expect(invoice(lines, 'rate').tax.toString()).toBe('0.02 EUR');
  });

  it('takes a discount off before it rounds', () => {
    expect(invoice([line('3 piece', '0.35 EUR', '0', '10')]).net.toString()).toBe('0.95 EUR');
    expect(invoice([line('1 piece', '5 EUR', '19', '100')]).gross.toString()).toBe('0.00 EUR');
  });

  it('credits what is negative like it bills what is positive', () => {
    const bill = invoice([line('3 piece', '9.99 EUR')]);
    const credit = invoice([line('-3 piece', '9.99 EUR')]);
    expect(sum([bill.gross, credit.gross], 'EUR').toString()).toBe('0.00 EUR');
  });

  it('names every problem by its line', () => {
    const lines = [
      line('1 piece', '1 USD'),
      line('1 piece', '1 EUR', '-1'),
      line('1 piece', '1 EUR', '19', '101'),
    ];
    const logged: string[] = [];
    const logger = createLogger({ write: (text) => logged.push(text) });
    const make = () => createInvoice({ number: '7', currency: 'EUR', lines, logger });
    expect(make).toThrow(InvoiceError);
    expect(make).toThrow(
      'invoice 7: line 1 is in USD, not EUR; line 2 has a negative tax rate; line 3 has a discount outside 0 to 100',
    );
    expect(JSON.parse(logged[0] ?? '')).toMatchObject({
      level: 'error',
      message: 'invoice refused',
      number: '7',
    });
    expect(() => invoice([])).toThrow('there are no lines');
  });
});

describe('renderText', () => {
  it('lines the amounts up', () => {
    expect(renderText(invoice([line('3 piece', '9.99 EUR', '19', '10')]))).toBe(
      [
        'Invoice 2026-1',
        '3 piece  Screw (-10 %)  €26.97',
        'Net                     €26.97',
        'VAT 19 % of €26.97       €5.12',
        'Total                   €32.09',
        '',
      ].join('\n'),
    );
  });
});
