import type { Approved } from '../promotion/approve.ts';
import type { Approvals } from '../promotion/approve-staged.ts';
import type { PlanItem, PromotionPlan } from '../promotion/types.ts';
import { table } from './table.ts';

/** The plan as a person reads it: a row a package, and below it what the gate and each refusal say. */
export function formatPlan(plan: PromotionPlan): string {
  const rows = plan.items.map((item) => [
    item.name,
    item.previous ?? '-',
    item.version || '-',
    action(item),
    item.integrity ? item.integrity.slice(0, 22) : '-',
  ]);
  const problems = plan.items.flatMap(({ problem }) =>
    problem ? [`${problem.code}: ${problem.what}\n  next: ${problem.next}`] : [],
  );
  return [
    `${plan.from} -> ${plan.stage} (${plan.registry}), plan ${plan.hash.slice(0, 12)}`,
    '',
    table(
      [
        plan.pipeline === 'services' ? 'service' : 'package',
        `in ${plan.stage}`,
        'version',
        'what happens',
        'bytes',
      ],
      rows,
    ),
    ...gates(plan.items),
    ...(problems.length > 0 ? ['', ...problems] : []),
  ].join('\n');
}

function action(item: PlanItem): string {
  if (item.action !== 'promote') return item.action === 'nothing' ? 'nothing to do' : item.action;
  if (item.gate?.open === false) return 'gate closed';
  if (item.tags && item.tags.length > 1) return `promote, tags ${item.tags.map(({ tag }) => tag).join(', ')}`;
  return item.movesTag ? `promote, tag ${item.tag}` : `promote, ${item.tag} stays`;
}

/** What the gate says, equal answers of several packages once. */
function gates(items: PlanItem[]): string[] {
  const said = new Map<string, string[]>();
  for (const item of items) {
    for (const { condition, open, detail } of item.gate?.results ?? []) {
      const line = `${open ? 'open  ' : 'closed'} ${condition}: ${detail}`;
      said.set(line, [...(said.get(line) ?? []), item.project]);
    }
  }
  if (said.size === 0) return [];
  const moving = items.filter((item) => item.gate).length;
  return [
    '',
    'gate:',
    ...[...said].map(
      ([line, projects]) => `  ${line}${projects.length < moving ? ` (${projects.join(', ')})` : ''}`,
    ),
  ];
}

/** What `approve` answers. */
export function formatApproval({ plan, by, open, closed }: Approved): string {
  const { stage } = plan;
  if (open.length + closed.length === 0) return `nothing waits for ${stage}`;
  const missing = closed.flatMap((item) => item.missing.map((text) => `  ${item.id}: ${text}`));
  return [
    by
      ? `approved by ${by}: plan ${plan.hash.slice(0, 12)} for ${stage}`
      : `not approved: plan ${plan.hash.slice(0, 12)} for ${stage}`,
    ...(open.length > 0 ? [`open: ${open.join(', ')}`, `next: npx nx run-many -t promote -c ${stage}`] : []),
    ...(missing.length > 0 ? ['still missing:', ...missing] : []),
  ].join('\n');
}

/** What `approve` answers, with what became of versions that were staged. */
export function formatApprovals({ approved, session }: Approvals): string {
  return [
    ...(approved ? [formatApproval(approved)] : []),
    ...(session
      ? session.results.length > 0
        ? session.results.map(({ line }) => line)
        : session.staged.map(({ id, command }) => `${id}: ${command ?? 'approved already'}`)
      : []),
  ].join('\n');
}
