import type { ExecutorContext } from '@nx/devkit';
import { errors } from '../../foundation/index.ts';
import { approve } from '../../promotion/approve.ts';
import { packageNamed } from '../../promotion/rollback.ts';
import { formatApproval, formatPlan } from '../../report/plan.ts';
import { inWorkspace, type CommonOptions } from '../door.ts';

interface ApproveExecutorOptions extends CommonOptions {
  stage?: string;
  projects?: string[];
  comment?: string;
  expires?: string;
  key?: string;
  as?: string;
}

export default async function approveExecutor(options: ApproveExecutorOptions, { root }: ExecutorContext) {
  return inWorkspace(root, options, async (context) => {
    const { stage, projects = [], comment, expires, dryRun = false } = options;
    const stages = context.options.packages.stages.map((one) => one.name);
    if (stage === undefined) throw errors.STAGE_MISSING({ target: context.options.targets.approve, stages });
    const state = await (await context.ledger()).refresh();
    const requests = projects.map((project) => ({ project, name: packageNamed(state, project) }));
    const approved = await approve(context, {
      stage,
      dryRun,
      ...(requests.length > 0 ? { requests } : {}),
      ...(comment ? { comment } : {}),
      ...(expires ? { expires } : {}),
      confirm: async (plan) => {
        process.stdout.write(`${formatPlan(plan)}\n\n`);
        return true;
      },
    });
    return {
      success: true,
      data: approved,
      text: (dryRun ? `${formatPlan(approved.plan)}\n\n` : '') + formatApproval(approved),
    };
  });
}
