import type { ServiceStageStatus, StageStatus, Status } from '../promotion/status.ts';
import { age, table } from './table.ts';

/** The tables that `status` prints, and below them what waits and for whom. */
export function formatStatus(status: Status, now: Date): string {
  const { packages, services } = status;
  if (packages.length + services.length === 0)
    return 'no publishable packages here: npx nx g @sluice/nx:package <name>';
  const all = [...packages, ...services];
  const waiting = all.flatMap((one) =>
    one.stages.flatMap((stage) =>
      stage.waiting === undefined
        ? []
        : [
            `  ${one.project} ${stage.waiting} -> ${stage.stage}: ${stage.waitsFor?.join('; ') ?? 'can be promoted'}`,
          ],
    ),
  );
  const held = all.flatMap((one) =>
    [...new Set(one.stages.flatMap((stage) => stage.held ?? []))].map(
      (version) => `  ${one.project} ${version}`,
    ),
  );
  const notes = services.flatMap((one) => one.stages.flatMap((stage) => deployNotes(one.project, stage)));
  const none = all.every((one) => one.stages.every((stage) => !stage.version));
  return [
    ...tableOf('package', packages, (stage) => cell(stage, now)),
    ...(packages.length > 0 && services.length > 0 ? [''] : []),
    ...tableOf('service', services, (stage) => serviceCell(stage, now)),
    ...(none
      ? ['', 'nothing is published yet: npx nx run-many -t publish-registry (or npx nx release)']
      : []),
    ...(waiting.length > 0 ? ['', 'waiting:', ...waiting] : []),
    ...(notes.length > 0 ? ['', 'deployments:', ...notes] : []),
    ...(held.length > 0 ? ['', 'held (npx sluice unhold <name> <version> --reason "..."):', ...held] : []),
  ].join('\n');
}

function tableOf<S extends StageStatus>(
  title: string,
  rows: { project: string; stages: S[] }[],
  show: (stage: S) => string,
): string[] {
  if (rows.length === 0) return [];
  const stages = rows[0]?.stages.map((stage) => stage.stage) ?? [];
  return [
    table(
      [title, ...stages],
      rows.map((one) => [one.project, ...one.stages.map(show)]),
    ),
  ];
}

function cell(stage: StageStatus, now: Date): string {
  if (!stage.version || !stage.since) return '-';
  const approved = stage.approvedBy.length > 0 ? `, approved by ${stage.approvedBy.join(', ')}` : '';
  return `${stage.version}${stage.isHeld ? ' HELD' : ''} (${age(stage.since, now)}${approved})`;
}

function serviceCell(stage: ServiceStageStatus, now: Date): string {
  const { running } = stage;
  if (!running) return cell(stage, now);
  const serves = `runs ${age(running.since, now)}`;
  if (running.version !== stage.version) return `${cell(stage, now)}, runs ${running.version}`;
  return `${cell(stage, now)}, ${serves}`;
}

/** What serves, by its release; what is promoted and waits for its deployment; what failed last. */
function deployNotes(project: string, stage: ServiceStageStatus): string[] {
  const { running, failed } = stage;
  const at = `  ${project} in ${stage.stage}:`;
  const behind = running && stage.version && stage.version !== running.version && !stage.isHeld;
  return [
    ...(running
      ? [
          `${at} release ${running.release} on ${running.hosts} ${running.hosts === 1 ? 'host' : 'hosts'}${behind ? `; ${stage.version} can be deployed` : ''}`,
        ]
      : []),
    ...(failed ? [`${at} ${failed.version} failed at ${failed.at} (${failed.code}, ${failed.outcome})`] : []),
  ];
}
