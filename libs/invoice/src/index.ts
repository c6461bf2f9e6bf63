export { createInvoice, InvoiceError } from './invoice.ts';
export type { Invoice, InvoiceOptions, Line, LineInput, TaxTotal } from './invoice.ts';
export { renderText } from './render.ts';
