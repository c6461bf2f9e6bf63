import { errors, EXIT, SluiceError } from '../foundation/index.ts';
import { explainClosed } from '../gate/index.ts';
import { failure, type PackageResult } from './carry.ts';
import type { PlanItem, PromotionPlan } from './types.ts';

/** The result of what is not going to move; undefined where it is. Items come dependencies first. */
export function settledEarly(
  item: PlanItem,
  plan: PromotionPlan,
  results: Map<string, PackageResult>,
): PackageResult | undefined {
  if (item.action !== 'promote') return plannedResult(item, plan);
  if (item.gate && !item.gate.open) {
    return failure(item, explainClosed(new Map([[`${item.name}@${item.version}`, item.gate]]), plan.stage));
  }
  const failed = item.after.find((name) => results.get(name)?.success === false);
  if (failed === undefined) return undefined;
  const why = errors.DEPENDENCY_FAILED({
    name: item.name,
    dependency: failed,
    stage: plan.stage,
    reached: [],
  });
  return { ...failure(item, why), status: 'blocked' };
}

/** What a dry run says of an item. */
export function plannedResult(item: PlanItem, plan: PromotionPlan): PackageResult {
  const base = { project: item.project, name: item.name, version: item.version, reached: [] };
  const id = `${item.name}@${item.version}`;
  if (item.problem) return failure(item, problemError(item));
  if (item.action === 'nothing') {
    return { ...base, success: true, status: 'nothing', line: `${id} is in ${plan.stage}: nothing to do` };
  }
  const gate = item.gate && !item.gate.open ? ', but its gate is closed' : '';
  return {
    ...base,
    success: true,
    status: 'planned',
    line: `${id} would go from ${plan.from} to ${plan.stage}${item.movesTag ? ` as ${item.tag}` : ''}${gate}`,
  };
}

function problemError(item: PlanItem): SluiceError {
  const problem = item.problem as NonNullable<PlanItem['problem']>;
  return new SluiceError(problem.code, EXIT.failed, problem);
}
