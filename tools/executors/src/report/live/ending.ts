import type { HostVerdict } from '../../deployment/index.ts';
import type { PackageResult } from '../../promotion/carry.ts';
import { seen, table } from '../table.ts';
import type { Line, Picture } from './picture.ts';
import { passed, tame } from './text.ts';

type Result = PackageResult & { hosts?: HostVerdict[] };
const HEADER = ['name', 'version', 'result', 'reached', 'retries', 'took'];

/** What became of everything: a row for each that moved or should have, and for each of its hosts, and a line that counts all. */
export function ending(results: Result[], picture: Picture, ms: number, columns = Infinity): string {
  const moved = results.filter(({ status }) => status !== 'nothing');
  const rows = (short: boolean) =>
    moved.flatMap((result) => {
      const subject = picture.subjects.get(result.name) ?? picture.subjects.get(result.project);
      const reached = short ? (result.reached.at(-1) ?? '') : result.reached.join(', ');
      return [
        [
          result.name,
          result.version || '-',
          result.status,
          result.error?.code ?? (reached || '-'),
          String(subject?.retries ?? 0),
          tookOf(subject),
        ],
        ...(subject?.hostsThen ?? []).map((line) => hostRow(line, result)),
      ].map((row) => row.map(tame));
    });
  const withoutVersion = (row: string[]): string[] => row.filter((_, column) => column !== 1);
  const whole = table(HEADER, rows(false));
  const fits = whole.split('\n').every((line) => seen(line) <= columns);
  const counts = new Map<string, number>();
  for (const { status } of results) {
    const said = status === 'nothing' ? 'with nothing to do' : status;
    counts.set(said, (counts.get(said) ?? 0) + 1);
  }
  const said = [...counts].map(([status, count]) => `${count} ${status}`).join(', ');
  return [
    ...(moved.length > 0
      ? [fits ? whole : table(withoutVersion(HEADER), rows(true).map(withoutVersion)), '']
      : []),
    `${said || 'nothing to do'}; took ${passed(ms)}`,
  ].join('\n');
}

const tookOf = (line: Line | undefined): string =>
  line?.doing.is === 'ended' ? passed(line.doing.at - line.begun) : '-';

/** A host: what serves there where that was checked after a failure, else the step that it did last. */
function hostRow(line: Line, { hosts = [] }: Result): string[] {
  const verdict = hosts.find(({ host }) => host === line.id);
  const how = line.doing.is === 'ended' ? line.doing.how : 'cancelled';
  const state = verdict ? (verdict.asExpected ? 'checked' : 'look at it') : how;
  const what = verdict ? (verdict.problem ?? `${verdict.serving ?? 'nothing'} serves`) : line.doing.what;
  return [`  ${line.id}`, '', state, what, String(line.retries), tookOf(line)];
}
