import type { StageStatus, Status } from '../promotion/status.ts';
import { age, table } from './table.ts';

/** The table that `status` prints, and below it what waits and for whom. */
export function formatStatus(status: Status, now: Date): string {
  if (status.packages.length === 0) return 'no publishable packages here: npx nx g @sluice/nx:package <name>';
  const stages = status.packages[0]?.stages.map((stage) => stage.stage) ?? [];
  const rows = status.packages.map((one) => [one.project, ...one.stages.map((stage) => cell(stage, now))]);
  const waiting = status.packages.flatMap((one) =>
    one.stages.flatMap((stage) =>
      stage.waiting === undefined
        ? []
        : [
            `  ${one.project} ${stage.waiting} -> ${stage.stage}: ${stage.waitsFor?.join('; ') ?? 'can be promoted'}`,
          ],
    ),
  );
  const held = status.packages.flatMap((one) =>
    [...new Set(one.stages.flatMap((stage) => stage.held ?? []))].map(
      (version) => `  ${one.project} ${version}`,
    ),
  );
  const none = status.packages.every((one) => one.stages.every((stage) => !stage.version));
  return [
    table(['package', ...stages], rows),
    ...(none
      ? ['', 'nothing is published yet: npx nx run-many -t publish-registry (or npx nx release)']
      : []),
    ...(waiting.length > 0 ? ['', 'waiting:', ...waiting] : []),
    ...(held.length > 0 ? ['', 'held (npx sluice unhold <package> <version> --reason "..."):', ...held] : []),
  ].join('\n');
}

function cell(stage: StageStatus, now: Date): string {
  if (!stage.version || !stage.since) return '-';
  const approved = stage.approvedBy.length > 0 ? `, approved by ${stage.approvedBy.join(', ')}` : '';
  return `${stage.version}${stage.isHeld ? ' HELD' : ''} (${age(stage.since, now)}${approved})`;
}
