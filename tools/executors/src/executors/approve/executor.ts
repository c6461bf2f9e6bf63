import type { ExecutorContext } from '@nx/devkit';
import { errors } from '../../foundation/index.ts';
import { approveAll, asData, waitMs } from '../../promotion/approve-staged.ts';
import { targetConfigurations } from '../../pipeline/index.ts';
import { kindOfStage } from '../../promotion/kinds/index.ts';
import { nameOf } from '../../promotion/named.ts';
import { plainProgress } from '../../report/live/index.ts';
import { formatApprovals, formatPlan } from '../../report/plan.ts';
import { inWorkspace, type CommonOptions } from '../door.ts';

interface ApproveExecutorOptions extends CommonOptions {
  stage?: string;
  projects?: string[];
  comment?: string;
  expires?: string;
  wait?: string;
  key?: string;
  as?: string;
}

export default async function approveExecutor(options: ApproveExecutorOptions, { root }: ExecutorContext) {
  return inWorkspace(root, options, async (context) => {
    const { stage, projects = [], comment, expires, wait, dryRun = false } = options;
    const target = context.options.targets.approve;
    if (stage === undefined)
      throw errors.STAGE_MISSING({ target, stages: targetConfigurations(context.options) });
    const kind = kindOfStage(context.options, stage, target);
    const state = await (await context.ledger()).refresh();
    const requests = projects.map((project) => ({ project, name: nameOf(kind, state, project) }));
    const { onEvent } = plainProgress();
    const done = await approveAll(context, {
      stage,
      onEvent,
      waitMs: waitMs(wait),
      say: (line) => void process.stdout.write(`${line}\n`),
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
      success: done.session?.results.every((result) => result.success) ?? true,
      data: asData(done),
      text: (dryRun && done.approved ? `${formatPlan(done.approved.plan)}\n\n` : '') + formatApprovals(done),
    };
  });
}
