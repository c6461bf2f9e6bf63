import type { EnvironmentRun } from '../ledger/types.ts';
import { judgeApprovals } from './approvals.ts';
import { behindEnvironment } from './environment-run.ts';
import { approvalOptions } from './requirements.ts';
import type { Condition } from './types.ts';

/**
 * A GitHub environment that lets jobs in on its own terms. It has no meaning in the local profile; in the live one,
 * anywhere but in a job that GitHub proves to be behind it, one signed approval by the usual rules stands in for it.
 */
export const environment: Condition = {
  name: 'environment',
  applies: (gate) => gate.environment !== undefined,
  async judge(context, item) {
    const name = context.gate.environment ?? '';
    if (context.profile === 'local')
      return { open: true, detail: `the environment ${name} does not apply in the local profile` };
    const behind = await behindEnvironment(context, name);
    if (behind.ok) return { open: true, detail: describe(behind.run), environment: behind.run };
    const judged = await judgeApprovals(context, item, { ...approvalOptions(context.gate), count: 1 });
    return { ...judged, detail: `${behind.problem}, so by a signed approval: ${judged.detail}` };
  },
};

function describe({ name, run, approvals }: EnvironmentRun): string {
  const by = approvals.map(({ login, comment }) => (comment ? `${login} (${comment})` : login)).join(', ');
  return `run ${run} is behind the environment ${name}${by ? `, approved by ${by}` : ', which asked nobody'}`;
}
