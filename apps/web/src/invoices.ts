export interface Invoice {
  number: string;
  document: { gross: { amount: string; currency: string } };
}

/** What the page says; `undefined` where the API does not answer. */
export function describeInvoices(invoices: Invoice[] | undefined): { summary: string; lines: string[] } {
  if (!invoices) return { summary: 'The API does not answer.', lines: [] };
  const count = invoices.length === 1 ? 'One invoice' : `${invoices.length || 'No'} invoices`;
  const lines = invoices.map(
    ({ number, document: { gross } }) => `${number}: ${gross.amount} ${gross.currency}`,
  );
  return { summary: `${count}.`, lines };
}
