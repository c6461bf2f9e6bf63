import type { Entry, LedgerRecord } from '../ledger/types.ts';
import { whoMayApprove } from './approvals.ts';
import { identityOf, isOneOf } from './identities.ts';
import { approvalOptions } from './requirements.ts';
import type { Condition, GateContext } from './types.ts';
import { freezeStatus } from './windows.ts';

type Override = Extract<LedgerRecord, { type: 'freeze-overridden' }>;

/** No promotion starts inside a freeze window, unless somebody who may approve has overridden it with a reason. */
export const freeze: Condition = {
  name: 'freeze',
  applies: (gate) => (gate.freeze?.length ?? 0) > 0,
  async judge(context) {
    const status = freezeStatus(context.gate.freeze ?? [], context.now);
    if (!status.frozen) return { open: true, detail: 'no freeze window holds' };
    const refused: string[] = [];
    for (const entry of context.state.overrides(context.stage.name, context.now)) {
      const problem = await overrideProblem(context, entry);
      const { by, reason, until } = entry.record;
      if (!problem)
        return {
          open: true,
          detail: `frozen (${status.reason}), overridden by ${by} until ${until}: ${reason}`,
        };
      refused.push(`an override by ${by} does not count: ${problem}`);
    }
    const until = status.until?.toISOString();
    return {
      open: false,
      detail: [`frozen until ${until ?? 'the policy changes'}: ${status.reason}`, ...refused].join('; '),
      until,
      who: whoMayApprove(context, approvalOptions(context.gate)).map(({ principal }) => principal),
      next: `npx sluice override ${context.stage.name} --reason "..." (or wait)`,
    };
  },
};

async function overrideProblem(
  context: GateContext,
  { record, batch }: Entry<Override>,
): Promise<string | undefined> {
  if (record.pipeline !== context.stage.pipeline) return 'it is for another pipeline';
  if (record.repository !== context.repositoryIdentity) return 'it is for another repository';
  if (record.registry !== context.registryIdentity) return 'it is for another registry';
  if (record.reason.trim() === '') return 'it gives no reason';
  if (!(Date.parse(record.until) > context.now.getTime())) return `it ended at ${record.until}`;
  const signed = await context.trust.signature({ record, batch }, { stillValid: true });
  if (!signed.ok) return signed.problem;
  const { from } = approvalOptions(context.gate);
  const signer = identityOf(context.trust.identities, signed);
  if (from && !isOneOf(signer, from)) return 'its signer may not approve for this stage';
  return undefined;
}
