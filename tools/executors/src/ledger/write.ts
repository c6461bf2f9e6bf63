import { randomBytes } from 'node:crypto';
import { canonicalJson, errors, redact } from '../foundation/index.ts';
import { recordProblem } from './validate.ts';
import type { Batch, LedgerRecord, RecordBody, Signer } from './types.ts';

/** `records/<yyyy>/<mm>/<dd>/<time>-<random>.json`: sorts by time, and no two writers choose the same. */
export function batchPath(now: Date): string {
  const iso = now.toISOString();
  const time = iso.replace(/[-:.]/g, '');
  return `records/${iso.slice(0, 4)}/${iso.slice(5, 7)}/${iso.slice(8, 10)}/${time}-${randomBytes(8).toString('hex')}.json`;
}

export interface Common {
  at: string;
  repository: string;
  by: string;
  run: string;
}

/** Whole records, without any secret that got into a text. @throws LEDGER_RECORD_INVALID */
export function complete(bodies: RecordBody[], common: Common): LedgerRecord[] {
  return bodies.map((body) => {
    const record = withoutSecrets<LedgerRecord>({ ...body, ...common });
    const problem = recordProblem(record);
    if (problem) throw errors.LEDGER_RECORD_INVALID({ problem: `${body.type}: ${problem}` });
    return record;
  });
}

/** The text of a batch file, signed where there is a signer. What is signed is the canonical JSON of the records. */
export async function batchText(
  records: LedgerRecord[],
  signer: Signer | undefined,
  attachments: Record<string, string> = {},
): Promise<string> {
  const signature = signer ? await signer.sign(canonicalJson(records)) : null;
  const named = attachedTo(records, attachments);
  const batch: Batch = { schemaVersion: 1, records, signature, ...named };
  return `${JSON.stringify(batch, null, 2)}\n`;
}

/** What these records name: a record that somebody else wrote meanwhile brings its own. */
function attachedTo(
  records: LedgerRecord[],
  attachments: Record<string, string>,
): Pick<Batch, 'attachments'> {
  const named = records.flatMap((record) => {
    const sha256 = record.type === 'published' ? record.provenance?.sha256 : undefined;
    const text = sha256 === undefined ? undefined : attachments[sha256];
    return sha256 === undefined || text === undefined ? [] : [[sha256, text] as const];
  });
  return named.length === 0 ? {} : { attachments: Object.fromEntries(named) };
}

/** One line for `git log`: "promoted into test: money@1.2.0, units@2.0.0". */
export function messageOf(records: LedgerRecord[]): string {
  const groups = new Map<string, string[]>();
  for (const record of records) {
    const title = `${record.type} (${record.stage})`;
    const items = 'name' in record ? [record] : 'items' in record ? record.items : [];
    groups.set(title, [
      ...(groups.get(title) ?? []),
      ...items.map(({ name, version }) => `${name}@${version}`),
    ]);
  }
  const lines = [...groups].map(([title, items]) => {
    const more = items.length > 4 ? `, and ${items.length - 4} more` : '';
    return items.length === 0 ? title : `${title}: ${items.slice(0, 4).join(', ')}${more}`;
  });
  return lines.join('; ').replace(/\s+/g, ' ');
}

/** What people and registries wrote in their own words. All else is looked up and compared, and must stay as it is. */
const FREE_TEXT = new Set(['reason', 'comment', 'detail', 'run']);

function withoutSecrets<T>(value: T): T {
  return JSON.parse(JSON.stringify(value), (key, inner: unknown) =>
    typeof inner === 'string' && FREE_TEXT.has(key) ? redact(inner) : inner,
  ) as T;
}
