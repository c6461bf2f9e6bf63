import { errors } from '../foundation/index.ts';
import type { Approved, Entry } from '../ledger/types.ts';
import type { GateContext } from './types.ts';

/**
 * Every approval names the ledger's head at which it was signed. A head that is not in the history any more means that
 * somebody rewrote it, and a fresh clone can see that too. Only a signed pin counts: an unsigned one proves nothing.
 * @throws LEDGER_PIN_LOST
 */
export async function refuseLostPins(context: GateContext, approvals: Entry<Approved>[]): Promise<void> {
  const ours = approvals.filter(({ record }) => record.repository === context.repositoryIdentity);
  const lost = await lostHeads(context, new Set(ours.map(({ record }) => record.ledgerHead)));
  if (lost.size === 0) return;
  for (const entry of ours) {
    const { ledgerHead, by } = entry.record;
    if (ledgerHead === null || !lost.has(ledgerHead)) continue;
    if ((await context.trust.signature(entry)).ok)
      throw errors.LEDGER_PIN_LOST({ by, pinned: ledgerHead, batch: entry.batch });
  }
}

/** Which of the commits are not in the history of the ledger's head; two git processes, however many there are. */
async function lostHeads(
  { ledger, state }: Pick<GateContext, 'ledger' | 'state'>,
  pinned: ReadonlySet<string | null>,
): Promise<Set<string>> {
  const heads = [...pinned].filter((head) => head !== null);
  if (heads.length === 0 || state.head === null) return new Set(heads);
  const { repository } = ledger;
  const asked = heads.map((head) => (/^[0-9a-f]{40,64}$/.test(head) ? head : '0'.repeat(40)));
  const types = await repository.run(['cat-file', '--batch-check=%(objecttype)'], {
    input: `${asked.join('\n')}\n`,
  });
  const lines = types.split('\n');
  const present = heads.filter((_, i) => lines[i] === 'commit');
  const lost = new Set(heads.filter((_, i) => lines[i] !== 'commit'));
  if (present.length === 0) return lost;
  // A commit of another history shows itself, and its ancestors; those are no pins, or lost as well.
  const input = `${present.join('\n')}\n^${state.head}\n`;
  const outside = new Set((await repository.run(['rev-list', '--stdin'], { input })).split('\n'));
  for (const head of present) if (outside.has(head)) lost.add(head);
  return lost;
}
