import type { PackageResult } from '../../promotion/carry.ts';
import { table } from '../table.ts';
import type { Picture } from './picture.ts';
import { passed, tame } from './text.ts';

/** What became of everything: a row for each that moved or should have, and a line that counts all. */
export function ending(results: PackageResult[], picture: Picture, ms: number): string {
  const moved = results.filter(({ status }) => status !== 'nothing');
  const rows = moved.map((result) => {
    const subject = picture.subjects.get(result.name) ?? picture.subjects.get(result.project);
    const took = subject?.doing.is === 'ended' ? passed(subject.doing.at - subject.begun) : '-';
    return [
      result.name,
      result.version || '-',
      result.status,
      result.error?.code ?? (result.reached.join(', ') || '-'),
      String(subject?.retries ?? 0),
      took,
    ].map(tame);
  });
  const counts = new Map<string, number>();
  for (const { status } of results) {
    const said = status === 'nothing' ? 'with nothing to do' : status;
    counts.set(said, (counts.get(said) ?? 0) + 1);
  }
  const said = [...counts].map(([status, count]) => `${count} ${status}`).join(', ');
  return [
    ...(rows.length > 0
      ? [table(['name', 'version', 'result', 'reached', 'retries', 'took'], rows), '']
      : []),
    `${said || 'nothing to do'}; took ${passed(ms)}`,
  ].join('\n');
}
