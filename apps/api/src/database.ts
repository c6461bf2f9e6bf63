import { createPool, type Pool, type ResultSetHeader, type RowDataPacket } from 'mysql2/promise';
import type { Config } from './config.ts';

export interface StoredInvoice {
  id: number;
  number: string;
  currency: string;
  /** As the library wrote it: amounts as decimal text. */
  document: unknown;
  createdAt: string;
}

/** What the service needs of its database; the tests have one in memory. */
export interface Database {
  /** Throws where the database cannot be used now. */
  ping(): Promise<void>;
  add(invoice: { number: string; currency: string; document: unknown }): Promise<number>;
  list(limit: number): Promise<StoredInvoice[]>;
  find(id: number): Promise<StoredInvoice | undefined>;
  close(): Promise<void>;
}

/** An invoice number that is taken already. */
export class NumberTaken extends Error {}

export function connect(config: Config['database']): Pool {
  return createPool({
    ...config,
    connectionLimit: 10,
    connectTimeout: 3_000,
    timezone: 'Z',
    dateStrings: true,
  });
}

export function openDatabase(pool: Pool): Database {
  const select = 'SELECT id, number, currency, document, created_at AS createdAt FROM invoices';
  const stored = (row: RowDataPacket): StoredInvoice => ({
    ...(row as StoredInvoice),
    document: typeof row['document'] === 'string' ? JSON.parse(row['document']) : row['document'],
  });
  return {
    ping: async () =>
      void (await pool.query({ sql: 'SELECT 1 FROM schema_migrations LIMIT 1', timeout: 2_000 })),
    add: async ({ number, currency, document }) => {
      const [result] = await pool
        .execute<ResultSetHeader>('INSERT INTO invoices (number, currency, document) VALUES (?, ?, ?)', [
          number,
          currency,
          JSON.stringify(document),
        ])
        .catch((error: { code?: string }) => {
          throw error.code === 'ER_DUP_ENTRY' ? new NumberTaken(number) : error;
        });
      return result.insertId;
    },
    list: async (limit) => {
      const [rows] = await pool.query<RowDataPacket[]>(`${select} ORDER BY id DESC LIMIT ?`, [limit]);
      return rows.map(stored);
    },
    find: async (id) => {
      const [rows] = await pool.execute<RowDataPacket[]>(`${select} WHERE id = ?`, [id]);
      return rows[0] && stored(rows[0]);
    },
    close: () => pool.end(),
  };
}
