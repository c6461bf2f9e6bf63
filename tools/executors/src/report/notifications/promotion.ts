import { EXIT, type SluiceError } from '../../foundation/index.ts';
import type { PackageResult } from '../../promotion/carry.ts';
import type { PlanItem, PromotionPlan } from '../../promotion/types.ts';
import type { RollbackPlan } from '../../promotion/rollback.ts';
import type { Change, Notification } from './types.ts';

/** What a notification says of what happened; who tells it adds when, by whom and where. */
export type Words = Omit<Notification, 'at' | 'run' | 'by' | 'repository' | 'link'>;

export interface Commands {
  /** What to type where it went well; undefined where nothing is left to do. */
  next?: string;
  approve: string;
  rollback: (project: string) => string;
}

/** Names in a title, and versions in a message, before the rest is only counted. */
const NAMED = 3;
const LISTED = 20;

/** One project by its name and version; several as names, and how many more. */
function subject(all: { project: string; version: string }[]): { project: string; version: string } {
  const [first] = all;
  if (first && all.length === 1) return { project: first.project, version: first.version };
  const names = all.map(({ project, version }) => `${project} ${version}`.trimEnd());
  const rest = names.length > NAMED ? ` and ${names.length - NAMED} more` : '';
  return { project: names.slice(0, NAMED).join(', ') + rest, version: '' };
}

const changesOf = (items: PlanItem[]): Change[] =>
  items.slice(0, LISTED).map(({ project, version, previous }) => ({
    project,
    version,
    ...(previous === undefined || previous === version ? {} : { previous }),
  }));

/** In this order: what moved, what failed, and what waits for a person. Nothing where nothing was to be done. Pure. */
export function promotionWords(
  plan: PromotionPlan,
  results: readonly PackageResult[],
  commands: Commands,
): Words[] {
  const of = (wanted: (result: PackageResult) => boolean): PlanItem[] =>
    plan.items.filter((item) => results.some((result) => result.name === item.name && wanted(result)));
  const moved = of(({ status }) => status === 'done');
  const failed = of(({ status, error }) => status === 'failed' && error?.exit !== EXIT.gateClosed);
  const waiting = plan.items.filter((item) => waitsForPerson(item, results));
  const words = (event: Words['event'], items: PlanItem[], more: Partial<Words>): Words[] =>
    items.length === 0
      ? []
      : [
          {
            event,
            action: 'promotion',
            stage: plan.stage,
            ...subject(items),
            from: plan.from,
            to: plan.stage,
            changes: changesOf(items),
            ...(items.length === 1 && items[0] ? { digest: items[0].integrity } : {}),
            ...more,
          },
        ];
  const [only] = moved.length === 1 ? moved : [];
  const first = results.find(({ name, error }) => error && failed.some((item) => item.name === name))?.error;
  return [
    ...words('succeeded', moved, {
      ...(commands.next ? { next: commands.next } : {}),
      ...(only ? { wayBack: commands.rollback(only.project) } : {}),
    }),
    ...words('failed', failed, first ? problem(first, failed.length) : {}),
    ...words('approval-requested', waiting, { next: commands.approve, waitsFor: conditions(waiting) }),
  ];
}

function waitsForPerson(item: PlanItem, results: readonly PackageResult[]): boolean {
  const staged = results.some(({ name, error }) => name === item.name && error?.code === 'STAGED_WAITING');
  return staged || missing(item).length > 0;
}

const missing = ({ gate }: PlanItem) =>
  (gate?.results ?? []).filter(
    ({ open, condition }) => !open && (condition === 'approvals' || condition === 'environment'),
  );

/** All that keeps the gate closed, each once. */
const conditions = (items: PlanItem[]): string[] => [
  ...new Set(
    items.flatMap(({ gate }) =>
      (gate?.results ?? []).flatMap(({ open, condition, detail }) =>
        open ? [] : [`${condition}: ${detail}`],
      ),
    ),
  ),
];

/** The first error, and how many there are. */
function problem({ code, message, state, next }: SluiceError, count: number): Pick<Words, 'error'> {
  const what = count > 1 ? `${message} (and ${count - 1} more)` : message;
  return { error: { code, what, state, next } };
}

/** What became of packages that were taken back. Pure. */
export function rollbackWords(
  stage: string,
  plans: readonly RollbackPlan[],
  results: readonly PackageResult[],
  release: string,
): Words[] {
  const back = plans.filter(({ name }) => results.some((one) => one.name === name && one.status === 'done'));
  const failed = results.filter(({ status }) => status === 'failed');
  const [first] = failed;
  const bad = back.map(({ project, bad: { version } }) => ({ project, version }));
  const [only] = back.length === 1 ? back : [];
  return [
    ...(back.length === 0
      ? []
      : [
          {
            event: 'rolled-back' as const,
            action: 'rollback' as const,
            stage,
            ...subject(bad),
            changes: back.slice(0, LISTED).map(({ project, bad: { version }, to, seen }) => ({
              project,
              previous: version,
              version: to ?? seen ?? version,
            })),
            ...(only ? { from: only.bad.version, ...(only.to === undefined ? {} : { to: only.to }) } : {}),
            outcome: 'held: nothing promotes it until somebody says that it is good after all',
            next: release,
          },
        ]),
    ...(first?.error
      ? [
          {
            event: 'failed' as const,
            action: 'rollback' as const,
            stage,
            ...subject(failed),
            ...problem(first.error, failed.length),
          },
        ]
      : []),
  ];
}
