import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '@acme/logger';
import type { Connection, RowDataPacket } from 'mysql2/promise';

/**
 * Applies what is new in `folder`, in the order of the file names, one at a time even where several containers start at
 * once. A migration is additive unless it says `-- sluice: contract`: the release before must be able to run on what it leaves.
 * @returns names of those that were applied
 */
export async function migrate(connection: Connection, folder: string, logger: Logger): Promise<string[]> {
  const lock = 'schema_migrations';
  const [[got]] = await connection.query<RowDataPacket[]>('SELECT GET_LOCK(?, 60) AS got', [lock]);
  if (got?.['got'] !== 1) throw new Error('another migration has been running for a minute');
  try {
    await connection.query(
      'CREATE TABLE IF NOT EXISTS schema_migrations (name VARCHAR(255) PRIMARY KEY, applied_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP)',
    );
    const [rows] = await connection.query<RowDataPacket[]>('SELECT name FROM schema_migrations');
    const applied = new Set(rows.map((row) => row['name'] as string));
    const files = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort();
    const fresh = files.filter((name) => !applied.has(name));
    for (const name of fresh) {
      logger.info('migrating', { name });
      for (const statement of statements(await readFile(join(folder, name), 'utf8')))
        await connection.query(statement);
      await connection.execute('INSERT INTO schema_migrations (name) VALUES (?)', [name]);
    }
    return fresh;
  } finally {
    await connection.query('SELECT RELEASE_LOCK(?)', [lock]);
  }
}

/** The statements of a file: each ends with a semicolon at the end of a line. */
export function statements(sql: string): string[] {
  return sql
    .replaceAll(/^\s*--.*$/gm, '')
    .split(/;\s*$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}
