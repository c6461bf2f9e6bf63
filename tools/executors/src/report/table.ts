import { stripVTControlCharacters } from 'node:util';

/** Columns padded to their widest cell; coloured cells count by what is seen of them. */
export function table(header: string[], rows: string[][]): string {
  const all = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...all.map((row) => seen(row[column] ?? ''))));
  const line = (row: string[]) =>
    widths
      .map((width, column) => pad(row[column] ?? '', width))
      .join('  ')
      .trimEnd();
  return [line(header), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.map(line)].join('\n');
}

/** How many characters of it can be seen. */
export const seen = (cell: string): number => stripVTControlCharacters(cell).length;
const pad = (cell: string, width: number) => cell + ' '.repeat(Math.max(0, width - seen(cell)));

/** "3 days", "5 hours", "2 minutes", "8 seconds": the largest unit that is at least one. */
export function age(from: string, now: Date): string {
  const seconds = Math.max(0, Math.round((now.getTime() - Date.parse(from)) / 1000));
  const units: [number, string][] = [
    [86_400, 'day'],
    [3_600, 'hour'],
    [60, 'minute'],
  ];
  const [size, unit] = units.find(([least]) => seconds >= least) ?? [1, 'second'];
  const count = Math.floor(seconds / size);
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}
