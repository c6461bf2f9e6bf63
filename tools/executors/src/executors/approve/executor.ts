import type { ExecutorContext } from '@nx/devkit';
import { errors } from '../../foundation/index.ts';
import { approve } from '../../promotion/approve.ts';
import { targetConfigurations } from '../../pipeline/index.ts';
import { kindOfStage } from '../../promotion/kinds/index.ts';
import { nameOf } from '../../promotion/named.ts';
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
    const target = context.options.targets.approve;
    if (stage === undefined)
      throw errors.STAGE_MISSING({ target, stages: targetConfigurations(context.options) });
    const kind = kindOfStage(context.options, stage, target);
    const state = await (await context.ledger()).refresh();
    const requests = projects.map((project) => ({ project, name: nameOf(kind, state, project) }));
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
