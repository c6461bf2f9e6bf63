import type { Entry, Promoted, Published } from '../ledger/types.ts';
import type { GateContext, GateItem } from './types.ts';

export type Before =
  { ok: true; entry: Entry<Published | Promoted> } | { ok: false; problem: string; next?: string };

/** The record by which exactly these bytes stand in the stage before, if a decision may rest on it. */
export async function entryBefore(context: GateContext, item: GateItem): Promise<Before> {
  const { from, state, trust } = context;
  const entry = state.standing(from, item.name, item.version);
  if (!entry) return { ok: false, problem: `${item.name}@${item.version} does not stand in ${from}` };
  const { record } = entry;
  if (record.integrity !== item.integrity)
    return { ok: false, problem: `${from} was recorded with other bytes (${record.integrity})` };
  if (record.repository !== context.repositoryIdentity)
    return {
      ok: false,
      problem: `its entry into ${from} was recorded for another repository (${record.repository})`,
    };
  const registry = context.policy.identity(from);
  if (context.profile === 'live' && registry !== undefined && record.registry !== registry)
    return {
      ok: false,
      problem: `its entry into ${from} was recorded for another registry (${record.registry})`,
    };
  const trusted = await trust.record(entry);
  if (!trusted.ok)
    return { ok: false, problem: `the record of its entry into ${from} does not count: ${trusted.problem}` };
  const back = await wrongRestoration(context, entry);
  return back ? { ok: false, problem: back } : { ok: true, entry };
}

/** Where it was rolled back, only a record that can be trusted, and is no copy of an older one, puts it back in. */
async function wrongRestoration(
  { state, trust, from }: GateContext,
  entry: Entry<Published | Promoted>,
): Promise<string | undefined> {
  const { version, name } = entry.record;
  let back: { at: string; problem: string } | undefined;
  for (const setback of state.setbacks(name)) {
    const { record } = setback;
    if (record.type !== 'rolled-back' || record.stage !== from) continue;
    if (record.version === version) back = { at: record.at, problem: `it was rolled back in ${from}` };
    const restored = setback.order < entry.order ? entry : setback;
    if (!back || (restored === setback && record.to !== version)) continue;
    const { at } = back;
    const trusted = await trust.undoes(restored, at);
    back = trusted.ok
      ? undefined
      : {
          at,
          problem: `it was rolled back in ${from}, and what put it back in does not count: ${trusted.problem}`,
        };
  }
  return back?.problem;
}
