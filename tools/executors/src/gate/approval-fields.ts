import type { Approved, Item } from '../ledger/types.ts';
import { planHash } from './plan-hash.ts';

/** What an approval has to be for, and when. */
export interface Wanted {
  pipeline: string;
  repository: string;
  stage: string;
  registry: string;
  item: Item;
  now: Date;
  /** Items ("name@version") that its nonce was used for already. */
  spent: ReadonlySet<string>;
}

/** Why an approval, taken at its word, does not allow this item into this stage now; undefined where it does. */
export function fieldProblem(record: Approved, wanted: Wanted): string | undefined {
  const { item } = wanted;
  for (const field of ['pipeline', 'repository', 'stage', 'registry'] as const)
    if (record[field] !== wanted[field]) return `it is for another ${field} (${record[field]})`;
  if (record.planHash !== planHash(record)) return 'its plan hash is not the hash of its items';
  const named = record.items.filter((one) => one.name === item.name && one.version === item.version);
  if (named.length === 0) return 'it is for other versions';
  if (!named.every((one) => one.integrity === item.integrity)) return 'it is for another digest';
  if (!(Date.parse(record.expires) > wanted.now.getTime())) return `it expired at ${record.expires}`;
  if (!/^[0-9a-f]{32,}$/.test(record.nonce)) return 'it has no proper nonce';
  if (wanted.spent.has(`${item.name}@${item.version}`)) return 'it is used up';
  return undefined;
}
