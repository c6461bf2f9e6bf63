import { judgeApprovals } from './approvals.ts';
import { approvalOptions } from './requirements.ts';
import type { Condition } from './types.ts';

/**
 * A GitHub environment that approves in our place. It has no meaning in the local profile; in the live one, outside of
 * an environment that is proved, one signed approval by the usual rules stands in for it.
 */
export const environment: Condition = {
  name: 'environment',
  applies: (gate) => gate.environment !== undefined,
  async judge(context, item) {
    const name = context.gate.environment;
    if (context.profile === 'local')
      return { open: true, detail: `the environment ${name} does not apply in the local profile` };
    const judged = await judgeApprovals(context, item, { ...approvalOptions(context.gate), count: 1 });
    return {
      ...judged,
      detail: `not run behind a proved environment ${name}, so by a signed approval: ${judged.detail}`,
    };
  },
};
