import { isWhole, median, quickest } from './results.ts';
import type { Cell, Results } from './results.ts';

/** The tables of the results as Markdown; pure. */
export function reportTables(results: Results): string {
  const { packages } = results.options;
  const parts: string[] = [];
  for (const [title, operation, step] of [
    ['Publishing', 'publish', 'first'],
    ['Promoting into a second registry', 'promote', 'first'],
    ['Publishing again, with nothing to do', 'publish', 'again'],
    ['Promoting again, with nothing to do', 'promote', 'again'],
  ] as const) {
    for (const count of packages) {
      const cells = results.cells.filter(
        (c) => c.operation === operation && c.step === step && c.packages === count && isWorthARow(c),
      );
      if (cells.length > 0)
        parts.push(`### ${title}: ${count} packages`, timeTable(cells, results.options.latency));
    }
  }
  if (results.noop.length > 0) parts.push("### Nx's own time", noopTable(results));
  if (results.memory.length > 0) parts.push('### Resident memory at its peak', memoryTable(results));
  return parts.join('\n\n');
}

/** A second run says nothing where the first one was never made. */
function isWorthARow(cell: Cell): boolean {
  return cell.step === 'first' || cell.ms.length > 0;
}

function timeTable(cells: Cell[], latencies: number[]): string {
  const titles = [...new Set(cells.map((c) => c.title))];
  const notes: string[] = [];
  const rows = titles.map((title) => {
    const own = cells.filter((c) => c.title === title);
    const times = latencies.map((latency) => {
      const cell = own.find((c) => c.latency === latency);
      return cell === undefined ? '' : timeText(cell, cells, notes);
    });
    const last = own.findLast((c) => c.ms.length > 0);
    return [
      `\`${title}\``,
      ...times,
      last ? `${last.complete}/${last.packages}` : '',
      last ? `${last.same}/${last.packages}` : '',
    ];
  });
  const head = ['', ...latencies.map((l) => (l === 0 ? 'loopback' : `${l} ms`)), 'complete', 'same bytes'];
  const text = table(head, rows);
  return notes.length === 0 ? text : `${text}\n\n${notes.map((n, i) => `${mark(i)} ${n}`).join('  \n')}`;
}

function timeText(cell: Cell, cells: Cell[], notes: string[]): string {
  const at = cells.filter((c) => c.latency === cell.latency);
  const foot = (text: string): string => {
    if (!notes.includes(text)) notes.push(text);
    return ` ${mark(notes.indexOf(text))}`;
  };
  if (cell.ms.length === 0) return `–${cell.note ? foot(cell.note) : ''}`;
  const time = median(cell.ms);
  if (!isWhole(cell)) {
    const why = cell.note ?? `ended with ${cell.exit}, ${cell.complete} of ${cell.packages} there`;
    return `${seconds(time)}${foot(why)}`;
  }
  const ratios: string[] = [];
  const floor = quickest(at.filter((c) => c.role === 'floor'));
  if (cell.role !== 'floor' && floor > 0) ratios.push(`${times(time / floor)} floor`);
  const us = quickest(at.filter((c) => c.role === 'us'));
  if (cell.role === undefined && us > 0) ratios.push(`${times(time / us)} us`);
  return `${seconds(time)}${ratios.length > 0 ? ` (${ratios.join(', ')})` : ''}${cell.note ? foot(cell.note) : ''}`;
}

const mark = (index: number): string => `[${index + 1}]`;

function noopTable(results: Results): string {
  const rows = [false, true].map((daemon) => [
    `\`nx run-many -t noop\`, daemon ${daemon ? 'on' : 'off'}`,
    ...results.options.packages.map((count) => {
      const cell = results.noop.find((n) => n.packages === count && n.daemon === daemon);
      return cell ? seconds(median(cell.ms)) : '';
    }),
  ]);
  return table(['', ...results.options.packages.map((n) => `${n} tasks`)], rows);
}

function memoryTable(results: Results): string {
  const rows = results.memory.map((row) => [
    `\`${row.title}\``,
    row.load,
    megabytes(row.peak.largest),
    megabytes(row.peak.tree),
  ]);
  return table(['', 'load', 'largest process', 'all its processes'], rows);
}

export function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]): string => `| ${cells.map((c) => c.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}

export const seconds = (ms: number): string => `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
export const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;
export const times = (ratio: number): string => `×${ratio.toFixed(ratio < 10 ? 1 : 0)}`;

/** The machine's facts in one paragraph. */
export function machineText({ machine, at, commit, options }: Results): string {
  const tools = Object.entries(machine.competitors).map(([name, version]) => `${name} ${version}`);
  return (
    `Measured ${at.slice(0, 10)} at commit ${commit.slice(0, 10)}: ${machine.cores} cores (${machine.processor}), ` +
    `${Math.round(machine.memoryBytes / 2 ** 30)} GiB, ${machine.system}; Node ${machine.node}, npm ${machine.npm}, ` +
    `Nx ${machine.nx}, Verdaccio ${machine.verdaccio}, ${tools.join(', ')}. ` +
    `Medians of ${options.rounds} interleaved ${options.rounds === 1 ? 'round' : 'rounds'} ` +
    `(one where a run takes longer than ${options.slowMs / 1000} s); one run may take ${options.budgetMs / 1000} s.`
  );
}
