import type { Invoice } from './invoice.ts';

/** The invoice as plain text, for a mail or a terminal; amounts as the locale writes them. */
export function renderText(invoice: Invoice, locale = 'en-GB'): string {
  const rows: [string, string][] = [
    ...invoice.lines.map((line): [string, string] => [
      `${line.quantity.toString()}  ${line.description}${line.discount ? ` (-${line.discount} %)` : ''}`,
      line.net.format(locale),
    ]),
    ['Net', invoice.net.format(locale)],
    ...invoice.taxes.map(({ rate, net, tax }): [string, string] => [
      `VAT ${rate} % of ${net.format(locale)}`,
      tax.format(locale),
    ]),
    ['Total', invoice.gross.format(locale)],
  ];
  const left = Math.max(...rows.map(([label]) => label.length));
  const right = Math.max(...rows.map(([, amount]) => amount.length));
  const text = rows.map(([label, amount]) => `${label.padEnd(left)}  ${amount.padStart(right)}`);
  return [`Invoice ${invoice.number}`, ...text, ''].join('\n');
}
