import { createInvoice, InvoiceError, type LineInput } from '@acme/invoice';
import type { Logger } from '@acme/logger';
import { money } from '@acme/money';
import { quantity } from '@acme/units';
import { Hono } from 'hono';
import { TooLarge, type Attachments } from './attachments.ts';
import { NumberTaken, type Database } from './database.ts';

export interface Services {
  database: Database;
  attachments: Attachments;
  logger: Logger;
  release: string;
  /** Whether the process is about to end: it is alive, and wants no new requests. */
  stopping: () => boolean;
}

/** The routes. `/healthz` says that the process is alive, `/readyz` that it can serve: its database answers. */
export function createApp({ database, attachments, logger, release, stopping }: Services): Hono {
  const app = new Hono();

  app.use(async (context, next) => {
    const began = performance.now();
    await next();
    const { method, path } = context.req;
    const level = context.res.status >= 500 ? 'error' : path.endsWith('z') ? 'debug' : 'info';
    logger[level]('request', {
      method,
      path,
      status: context.res.status,
      ms: Math.round(performance.now() - began),
    });
  });
  app.onError((error, context) => {
    logger.error('request failed', { path: context.req.path, error });
    return context.json({ error: 'internal' }, 500);
  });

  app.get('/healthz', (context) => context.json({ status: 'alive', release }));
  app.get('/readyz', async (context) => {
    if (stopping()) return context.json({ status: 'stopping', release }, 503);
    try {
      await database.ping();
      return context.json({ status: 'ready', release });
    } catch (error) {
      logger.warn('not ready', { error });
      return context.json({ status: 'no database', release }, 503);
    }
  });

  app.get('/api/invoices', async (context) => context.json(await database.list(100)));
  app.post('/api/invoices', async (context) => {
    const body: unknown = await context.req.json().catch(() => undefined);
    const wanted = readInvoice(body);
    if (typeof wanted === 'string') return context.json({ error: wanted }, 400);
    try {
      const document = createInvoice({ ...wanted, logger });
      const id = await database.add({ number: wanted.number, currency: wanted.currency, document });
      return context.json({ id, gross: document.gross }, 201);
    } catch (error) {
      if (error instanceof InvoiceError) return context.json({ error: error.message }, 422);
      if (error instanceof NumberTaken) return context.json({ error: 'this number is taken' }, 409);
      throw error;
    }
  });
  app.get('/api/invoices/:id{[0-9]+}', async (context) => {
    const invoice = await database.find(Number(context.req.param('id')));
    if (!invoice) return context.json({ error: 'no such invoice' }, 404);
    return context.json({ ...invoice, attachments: await attachments.list(invoice.id) });
  });

  app.post('/api/invoices/:id{[0-9]+}/attachments', async (context) => {
    const id = Number(context.req.param('id'));
    const { body } = context.req.raw;
    if (!body) return context.json({ error: 'the body is empty' }, 400);
    if (!(await database.find(id))) return context.json({ error: 'no such invoice' }, 404);
    try {
      return context.json({ name: await attachments.add(id, body) }, 201);
    } catch (error) {
      if (error instanceof TooLarge) return context.json({ error: 'the file is too large' }, 413);
      throw error;
    }
  });
  app.get('/api/invoices/:id{[0-9]+}/attachments/:name', async (context) => {
    const { id, name } = context.req.param();
    const file = await attachments.open(Number(id), name);
    if (!file) return context.json({ error: 'no such file' }, 404);
    // Never shown as a page of ours, whatever somebody uploaded.
    return context.body(file, 200, {
      'content-type': 'application/octet-stream',
      'content-disposition': 'attachment',
      'x-content-type-options': 'nosniff',
    });
  });
  return app;
}

type Wanted = { number: string; currency: string; lines: LineInput[] };

/** The request's body as the library takes it; a text says what is wrong with it. */
function readInvoice(body: unknown): Wanted | string {
  const { number, currency, lines } = (body ?? {}) as Record<string, unknown>;
  if (typeof number !== 'string' || !/^[\w./-]{1,64}$/.test(number))
    return 'number: up to 64 letters, digits, . / - _';
  if (typeof currency !== 'string' || !/^[A-Z]{3}$/.test(currency)) return 'currency: three letters';
  if (!Array.isArray(lines) || lines.length > 1_000) return 'lines: a list of at most 1000';
  try {
    return {
      number,
      currency,
      lines: lines.map((line: Record<string, unknown>) => ({
        description: String(line['description'] ?? ''),
        quantity: quantity(String(line['quantity'])),
        unitPrice: money(String(line['unitPrice'])),
        taxRate: String(line['taxRate'] ?? '0'),
      })),
    };
  } catch (error) {
    return `lines: ${(error as Error).message}`;
  }
}
