import type { HostVerdict } from '../../deployment/index.ts';
import type { PackageResult } from '../../promotion/carry.ts';
import { seen, table } from '../table.ts';
import type { Line, Picture } from './picture.ts';
import { fit, passed, tame } from './text.ts';

type Result = PackageResult & { hosts?: HostVerdict[]; release?: string };
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
  const whole = table(HEADER, rows(false));
  const shown = widthOf(whole) <= columns ? whole : narrow(rows(true), columns);
  const counts = new Map<string, number>();
  for (const { status } of results) {
    const said = status === 'nothing' ? 'with nothing to do' : status;
    counts.set(said, (counts.get(said) ?? 0) + 1);
  }
  const said = [...counts].map(([status, count]) => `${count} ${status}`).join(', ');
  return [...(moved.length > 0 ? [shown, ''] : []), `${said || 'nothing to do'}; took ${passed(ms)}`].join(
    '\n',
  );
}

const widthOf = (text: string): number => Math.max(...text.split('\n').map(seen));

/** Without the versions, which the results name too, and with no more of what was reached than there is room for. */
function narrow(rows: string[][], columns: number): string {
  const without = ([name = '', , result = '', what = '', ...rest]: string[], room = Infinity) => [
    name,
    result,
    fit(what, room),
    ...rest,
  ];
  const header = without(HEADER);
  const all = table(
    header,
    rows.map((row) => without(row)),
  );
  const longest = Math.max(...rows.map((row) => seen(row[3] ?? '')));
  const room = Math.max(8, longest - Math.max(0, widthOf(all) - columns));
  return table(
    header,
    rows.map((row) => without(row, room)),
  );
}

/** What ended before it began took no time that could be told. */
const tookOf = (line: Line | undefined): string =>
  line?.doing.is === 'ended' && line.doing.at > line.begun ? passed(line.doing.at - line.begun) : '-';

/** A host: what serves there, where that was checked; else the step that it did last. */
function hostRow(line: Line, { hosts = [], status, release }: Result): string[] {
  const verdict = hosts.find(({ host }) => host === line.id);
  const how = line.doing.is === 'ended' ? line.doing.how : 'cancelled';
  const state = verdict ? (verdict.asExpected ? 'checked' : 'look at it') : how;
  const serving = verdict ? (verdict.serving ?? 'nothing') : status === 'done' ? release : undefined;
  const what = verdict?.problem ?? (serving === undefined ? line.doing.what : `${serving} serves`);
  return [`  ${line.id}`, '', state, what, String(line.retries), tookOf(line)];
}
