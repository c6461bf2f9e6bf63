import { evaluateGate, type GatedStage, type Policy } from '../gate/index.ts';
import type { Ledger, LedgerState } from '../ledger/types.ts';
import type { Context } from './context.ts';
import type { PromotionPlan } from './types.ts';

/** Asks the stage's gate about all that a plan would move, and notes its answers in the plan. Reads only. */
export async function judge(
  context: Context,
  given: {
    plan: PromotionPlan;
    stage: GatedStage;
    before: { name: string; hosts?: string[] };
    policy: Policy;
    state: LedgerState;
    ledger: Ledger;
  },
): Promise<void> {
  const { plan, stage, before, policy, state, ledger } = given;
  const moving = plan.items.filter((item) => item.action === 'promote');
  const decisions = await evaluateGate({
    policy,
    stage,
    from: before.name,
    beforeHasHosts: (before.hosts?.length ?? 0) > 0,
    items: moving.map((item) => ({
      ...item,
      root: state.published(item.name, item.version)?.record.root ?? '.',
    })),
    state,
    ledger,
    repository: context.repository,
    profile: context.profile,
    now: new Date(),
    repositoryIdentity: context.identity,
    job: await context.job(),
  });
  for (const item of moving) {
    const decision = decisions.get(`${item.name}@${item.version}`);
    if (decision) item.gate = decision;
  }
}
