import type { PackageStatus, ServiceStatus, StageStatus, Status } from '../../promotion/status.ts';
import type { PlanItem, PromotionPlan } from '../../promotion/types.ts';
import { cell } from '../notifications/github.ts';

/** The plan of a promotion as Markdown: what would move, and what the gate says. */
export function planMarkdown(plan: PromotionPlan): string {
  const { from, stage, hash, pipeline, items } = plan;
  const moving = items.filter(({ action }) => action === 'promote');
  if (moving.length === 0 && items.every(({ action }) => action === 'nothing'))
    return `### ${cell(from)} → ${cell(stage)}\n\nNothing waits.\n\n`;
  const said = new Map<string, string[]>();
  for (const { project, gate } of moving)
    for (const { condition, open, detail } of gate?.results ?? []) {
      const line = `${open ? '✅' : '⏳'} ${cell(condition)}: ${cell(detail)}`;
      said.set(line, [...(said.get(line) ?? []), project]);
    }
  const gate = [...said].map(
    ([line, projects]) =>
      `- ${line}${projects.length < moving.length ? ` (${cell(projects.join(', '))})` : ''}`,
  );
  return [
    `### ${cell(from)} → ${cell(stage)}`,
    rows(
      [pipeline === 'services' ? 'service' : 'package', `in ${stage}`, 'version', 'what happens', 'bytes'],
      items.map((item) => [
        item.name,
        item.previous ?? '-',
        item.version || '-',
        happens(item),
        item.integrity.slice(0, 22) || '-',
      ]),
    ),
    ...(gate.length > 0 ? [gate.join('\n')] : []),
    ...(moving.length > 0 ? [approvalLine(stage, hash, moving)] : []),
    ...(moving.some(asksPeople)
      ? [`To approve it in a comment: <code>/approve ${cell(stage)} ${hash}</code>`]
      : []),
    '',
  ].join('\n\n');
}

const asksPeople = ({ gate }: PlanItem): boolean =>
  (gate?.results ?? []).some(
    ({ condition, open }) => !open && (condition === 'approvals' || condition === 'environment'),
  );

/** What an approval names; where one is missing, as the comment that gives it. */
function approvalLine(stage: string, hash: string, moving: PlanItem[]): string {
  const isClosed = moving.some(({ gate }) => gate?.open === false);
  return isClosed
    ? `To approve it in a comment: <code>/approve ${stage} ${hash}</code>`
    : `Plan <code>${hash}</code>`;
}

function happens({ action, gate, problem }: PlanItem): string {
  if (action === 'nothing') return 'nothing to do';
  if (action !== 'promote') return problem ? `${action}: ${problem.what}` : action;
  return gate?.open === false ? 'waits at the gate' : 'promote';
}

/** What is where: a picture of the stages, and a table for each pipeline. */
export function statusMarkdown(status: Status): string {
  return (['packages', 'services'] as const)
    .flatMap((kind) => {
      const all: (PackageStatus | ServiceStatus)[] = status[kind];
      const stages = all[0]?.stages.map(({ stage }) => stage) ?? [];
      if (all.length === 0) return [];
      return [
        `### ${kind === 'packages' ? 'Packages' : 'Services'}`,
        picture(kind, stages, all),
        rows(
          [kind === 'packages' ? 'package' : 'service', ...stages],
          all.map((one) => [one.project, ...one.stages.map(stands)]),
        ),
      ];
    })
    .concat('')
    .join('\n\n');
}

/** How many projects each stage has, and how many wait in front of it. Names of stages are safe by their pattern. */
function picture(kind: string, stages: string[], all: { stages: StageStatus[] }[]): string {
  const at = (i: number) => all.flatMap((one) => one.stages[i] ?? []);
  const boxes = stages.map((stage, i) => {
    const there = at(i).filter(({ version }) => version !== undefined).length;
    return `  ${kind}${i}["${stage}<br/>${there} of ${all.length}"]`;
  });
  const arrows = stages.slice(1).map((_, i) => {
    const waiting = at(i + 1).filter((one) => one.waiting !== undefined).length;
    const arrow = waiting === 0 ? '-->' : `-. ${waiting} ${waiting === 1 ? 'waits' : 'wait'} .->`;
    return `  ${kind}${i} ${arrow} ${kind}${i + 1}`;
  });
  return ['```mermaid', 'flowchart LR', ...boxes, ...arrows, '```'].join('\n');
}

function stands(stage: StageStatus & { running?: { version: string } }): string {
  const { version, isHeld, waiting, waitsFor, approvedBy, running } = stage;
  const parts = [
    version ? `${version}${isHeld ? ' HELD' : ''}` : '-',
    ...(approvedBy.length > 0 ? [`approved by ${approvedBy.join(', ')}`] : []),
    ...(running && running.version !== version ? [`runs ${running.version}`] : []),
    ...(waiting ? [`${waiting} waits${waitsFor?.length ? `: ${waitsFor.join('; ')}` : ''}`] : []),
  ];
  return parts.join('\n');
}

const rows = (header: string[], lines: string[][]): string =>
  [header.map(cell), header.map(() => '---'), ...lines.map((line) => line.map(cell))]
    .map((line) => `| ${line.join(' | ')} |`)
    .join('\n');
