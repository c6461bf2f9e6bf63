import { asSluiceError } from '../foundation/index.ts';
import { evaluateGate, loadPolicy } from '../gate/index.ts';
import type { LedgerState } from '../ledger/types.ts';
import type { Context } from '../promotion/context.ts';
import type { Waiting } from './model/types.ts';
import type { Place } from './places.ts';

export type Judged = Map<string, Map<string, Pick<Waiting, 'gate' | 'problem'>>>;

/** Asks every gate about what waits before it. Reads the ledger, the policy and git, and no registry. */
export async function judgeWaiting(
  context: Context,
  state: LedgerState,
  places: readonly Place[],
  now: Date,
): Promise<{ judged: Judged; problems: string[] }> {
  const judged: Judged = new Map();
  const problems = new Set<string>();
  const { repository, profile } = context;
  // Anew each time: a board runs for days, and the rules may change.
  const rules = loadPolicy({ repository, profile, remote: context.options.ledger.remote });
  rules.catch(() => undefined);
  for (const place of places) {
    if (place.before === undefined) continue;
    const items = waitingItems(state, place, place.before);
    if (items.length === 0) continue;
    try {
      const policy = await rules;
      const decisions = await evaluateGate({
        policy,
        stage: place,
        from: place.before,
        beforeHasHosts: places.some(({ name, hosts }) => name === place.before && hosts.length > 0),
        items,
        state,
        ledger: await context.ledger(),
        repository,
        profile,
        now,
        repositoryIdentity: context.identity,
      });
      const found = [...decisions].map(([item, { open, results }]) => {
        const conditions = results.map(({ condition: name, ...rest }) => ({ name, ...rest }));
        return [item, { gate: { open, conditions } }] as const;
      });
      // A stage without a gate has no conditions: nothing is said of it.
      judged.set(place.name, new Map(found.filter(([, { gate }]) => gate.conditions.length > 0)));
    } catch (thrown) {
      const { code, message } = asSluiceError(thrown);
      const problem = `${code}: ${message}`;
      judged.set(place.name, new Map(items.map(({ name, version }) => [`${name}@${version}`, { problem }])));
      problems.add(problem);
    }
  }
  return { judged, problems: [...problems] };
}

function waitingItems(state: LedgerState, place: Place, before: string) {
  const names = place.pipeline === 'packages' ? state.packages() : state.services();
  return names.flatMap((name) => {
    const next = state.position(before, name)?.record;
    if (!next || state.standing(place.name, name, next.version)?.record.integrity === next.integrity)
      return [];
    const root = state.published(name, next.version)?.record.root ?? '.';
    const { project, version, integrity } = next;
    return [{ project, name, version, integrity, root }];
  });
}
