import type { Condition, GateContext, GateItem } from './types.ts';

/**
 * Holds for every gate: exactly these bytes were published from this repository, by a record that can be trusted, and are
 * not held; in the live profile from a commit that the default branch has.
 */
export const origin: Condition = {
  name: 'origin',
  applies: () => true,
  async judge(context, item) {
    const entry = context.state.published(item.name, item.version);
    if (!entry)
      return {
        open: false,
        detail: `nothing is recorded about where ${item.name}@${item.version} came from`,
      };
    const { record } = entry;
    if (record.integrity !== item.integrity)
      return { open: false, detail: `other bytes were published as this version (${record.integrity})` };
    if (record.repository !== context.repositoryIdentity)
      return { open: false, detail: `it was published from another repository (${record.repository})` };
    const trusted = await context.trust.record(entry);
    if (!trusted.ok)
      return { open: false, detail: `the record of its publication does not count: ${trusted.problem}` };
    const held = await heldBack(context, item);
    if (held) return { open: false, detail: held };
    const changes = record.source.dirty ? ' with changes that were not committed' : '';
    const detail = `published by ${record.by} from ${record.source.commit}${changes}`;
    if (context.profile === 'local') return { open: true, detail };
    if (await context.repository.isAncestor(record.source.commit, context.policy.commit))
      return { open: true, detail };
    return {
      open: false,
      detail: `its commit ${record.source.commit} is not on ${context.policy.branch}`,
      next: `merge that commit into ${context.policy.branch} first`,
    };
  },
};

/** Anybody's word holds a digest back; only a record that can be trusted, and is no copy of an older one, releases it. */
async function heldBack({ state, trust }: GateContext, item: GateItem): Promise<string | undefined> {
  let held: { at: string; problem: string } | undefined;
  for (const entry of state.setbacks(item.name)) {
    const { record } = entry;
    if (record.version !== item.version || record.integrity !== item.integrity) continue;
    if (record.type === 'held')
      held = { at: record.at, problem: `it is held since ${record.at}: ${record.reason}` };
    else if (held && record.type === 'released') {
      const { at } = held;
      const trusted = await trust.undoes(entry, at);
      held = trusted.ok
        ? undefined
        : { at, problem: `it is held, and its release does not count: ${trusted.problem}` };
    }
  }
  return held?.problem;
}
