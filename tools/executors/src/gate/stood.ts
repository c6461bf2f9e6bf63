import type { Deployed, Entry, Returned } from '../ledger/types.ts';
import { entryBefore } from './before.ts';
import type { GateContext, GateItem } from './types.ts';

export type Stood =
  | {
      ok: true;
      since: Date;
      /** When something else took its place; undefined while it stands. */
      until?: Date;
      /** It was deployed there, and verified by that. */
      deployed: boolean;
    }
  | { ok: false; problem: string; next?: string };

type Serving = Entry<Deployed | Returned>;

/**
 * From when on exactly these bytes stood in the stage before. A package stands there from its entry on; a service, where
 * that stage has hosts, from its deployment on and until another one took its place.
 */
export async function stoodBefore(context: GateContext, item: GateItem): Promise<Stood> {
  const before = await entryBefore(context, item);
  if (!before.ok) return before;
  if (!hasHosts(context)) return { ok: true, since: await happened(context, before.entry), deployed: false };
  const { from, state } = context;
  const all = state
    .deployments(from, item.name)
    .filter((entry): entry is Serving => entry.record.type !== 'deploy-failed');
  const is = ({ record }: Serving) => record.version === item.version && record.integrity === item.integrity;
  const last = all.findLastIndex(is);
  if (last < 0) {
    const problem = `${item.name}@${item.version} was never deployed to ${from}`;
    return { ok: false, problem, next: deployCommand(context, item) };
  }
  const ended = all[last + 1]?.record;
  if (ended?.type === 'returned' && ended.left?.version === item.version)
    return { ok: false, problem: `it was taken back in ${from} at ${ended.at}: ${ended.reason}` };
  // A second deployment of what runs already does not begin the time anew.
  const chain = all.slice(all.slice(0, last).findLastIndex((entry) => !is(entry)) + 1, last + 1);
  let untrusted = '';
  for (const entry of chain) {
    const trusted = await trustedHere(context, entry);
    if (trusted !== undefined) {
      untrusted = trusted;
      continue;
    }
    const since = await happened(context, entry);
    const until = ended && new Date(Math.min(Date.parse(ended.at), context.now.getTime()));
    return { ok: true, since, deployed: true, ...(until ? { until } : {}) };
  }
  return { ok: false, problem: `the record of its deployment to ${from} does not count: ${untrusted}` };
}

/** By the policy, and by what is resolved here: neither alone can make the stage one without hosts. */
function hasHosts({ policy, from, stage, beforeHasHosts }: GateContext): boolean {
  if (stage.pipeline !== 'services') return false;
  const meant = policy.options.services?.stages.find((one) => one.name === from)?.hosts ?? [];
  return meant.length > 0 || beforeHasHosts === true;
}

/** Why a decision may not rest on this record; undefined where it may. */
async function trustedHere(context: GateContext, entry: Serving): Promise<string | undefined> {
  const { repository } = entry.record;
  if (repository !== context.repositoryIdentity) return `it is for another repository (${repository})`;
  const trusted = await context.trust.record(entry);
  return trusted.ok ? undefined : trusted.problem;
}

/** The later of what the record says and what the commit that carried it says: neither alone can shorten the time. */
async function happened(
  context: GateContext,
  entry: { record: { at: string }; batch: string },
): Promise<Date> {
  const recorded = new Date(entry.record.at);
  const committed = await context.trust.committedAt(entry.batch);
  return committed > recorded ? committed : recorded;
}

function deployCommand({ from, policy }: GateContext, { project }: GateItem): string {
  return `npx nx run ${project}:${policy.options.targets['deploy-vps']}:${from}`;
}
