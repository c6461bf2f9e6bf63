import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@acme/logger';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createApp } from './app.ts';
import { Attachments } from './attachments.ts';
import { NumberTaken, type Database, type StoredInvoice } from './database.ts';

class InMemory implements Database {
  invoices: StoredInvoice[] = [];
  away = false;
  async ping() {
    if (this.away) throw new Error('away');
  }
  async add(invoice: { number: string; currency: string; document: unknown }) {
    if (this.invoices.some(({ number }) => number === invoice.number)) throw new NumberTaken();
    const document: unknown = JSON.parse(JSON.stringify(invoice.document));
    this.invoices.push({
      ...invoice,
      document,
      id: this.invoices.length + 1,
      createdAt: '2026-01-01 00:00:00',
    });
    return this.invoices.length;
  }
  async list() {
    return this.invoices;
  }
  async find(id: number) {
    return this.invoices[id - 1];
  }
  async close() {}
}

let uploads: string;
let database: InMemory;
let stopping: boolean;
let app: ReturnType<typeof createApp>;
beforeEach(async () => {
  uploads = await mkdtemp(join(tmpdir(), 'acme-api-'));
  database = new InMemory();
  stopping = false;
  app = createApp({
    database,
    attachments: new Attachments(uploads, 1_000),
    logger: createLogger({ level: 'silent' }),
    release: 'sha-1',
    stopping: () => stopping,
  });
});
afterEach(() => rm(uploads, { recursive: true, force: true }));

const post = (path: string, body: unknown) =>
  app.request(path, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) });
const bill = {
  number: '2026-1',
  currency: 'EUR',
  lines: [{ description: 'Screw', quantity: '3 piece', unitPrice: '9.99 EUR', taxRate: '19' }],
};

describe('health', () => {
  it('tells a process that lives from one that can serve', async () => {
    expect(await (await app.request('/readyz')).json()).toEqual({ status: 'ready', release: 'sha-1' });
    database.away = true;
    expect((await app.request('/healthz')).status).toBe(200);
    expect((await app.request('/readyz')).status).toBe(503);
    database.away = false;
    stopping = true;
    expect((await app.request('/readyz')).status).toBe(503);
  });
});

describe('invoices', () => {
  it('are added up, kept and found again', async () => {
    const made = await post('/api/invoices', bill);
    expect(made.status).toBe(201);
    expect(await made.json()).toMatchObject({ id: 1 });
    expect(await (await app.request('/api/invoices/1')).json()).toMatchObject({
      number: '2026-1',
      attachments: [],
    });
    expect((await post('/api/invoices', bill)).status).toBe(409);
    expect((await app.request('/api/invoices/9')).status).toBe(404);
  });

  it.each([
    ['no JSON', '{', 400],
    ['no number', { ...bill, number: '../x y' }, 400],
    ['no money', { ...bill, lines: [{ quantity: '1 piece', unitPrice: 'much' }] }, 400],
    ['another currency', { ...bill, lines: [{ quantity: '1 piece', unitPrice: '1 USD' }] }, 422],
  ])('refuses %s', async (_name, body, status) => {
    expect((await post('/api/invoices', body)).status).toBe(status);
    expect(database.invoices).toEqual([]);
  });
});

describe('attachments', () => {
  it('come back as they were sent, and not as a page', async () => {
    await post('/api/invoices', bill);
    const { name } = (await (await post('/api/invoices/1/attachments', '<script>')).json()) as {
      name: string;
    };
    const file = await app.request(`/api/invoices/1/attachments/${name}`);
    expect(await file.text()).toBe('<script>');
    expect(file.headers.get('content-type')).toBe('application/octet-stream');
    expect(await (await app.request('/api/invoices/1')).json()).toMatchObject({ attachments: [name] });
  });

  it('leave nothing behind where they are too large or belong to nothing', async () => {
    await post('/api/invoices', bill);
    expect((await post('/api/invoices/1/attachments', 'x'.repeat(1_001))).status).toBe(413);
    expect((await post('/api/invoices/2/attachments', 'x')).status).toBe(404);
    expect(await readdir(join(uploads, '1'))).toEqual([]);
    expect((await app.request('/api/invoices/1/attachments/..%2F..%2Fsecret')).status).toBe(404);
  });
});
