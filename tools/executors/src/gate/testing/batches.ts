import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Batch } from '../../ledger/index.ts';

/** Path of the newest batch with a record of this type in a checked-out ledger. */
export function newestBatch(folder: string, type: string, stage?: string): string {
  const files = readdirSync(join(folder, 'records'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.json'))
    .map((path) => join(folder, 'records', path))
    .sort();
  const found = files.findLast((path) =>
    (JSON.parse(readFileSync(path, 'utf8')) as Batch).records.some(
      (record) =>
        record.type === type && (stage === undefined || ('stage' in record && record.stage === stage)),
    ),
  );
  if (!found) throw new Error(`no ${type} in ${folder}`);
  return found;
}
