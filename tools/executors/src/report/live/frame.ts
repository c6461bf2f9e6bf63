import { styleText } from 'node:util';
import type { Doing, Line, Picture, Subject } from './picture.ts';
import { clockTime, fit, passed, tame } from './text.ts';

export interface View {
  /** "promote to test". */
  title: string;
  /** Milliseconds of the picture's clock, and the same instant by the calendar. */
  now: number;
  date: Date;
  begun: number;
  columns: number;
  rows: number;
}
type Style = 'dim' | 'bold' | 'green' | 'red' | 'yellow' | 'cyan';
const painted = (style: Style, text: string) => styleText(style, text, { validateStream: false });

/** What stands on the screen now: never more lines than it has, less the one for the cursor. */
export function frame(picture: Picture, view: View): string[] {
  const { columns, title, now, begun } = view;
  const subjects = [...picture.subjects.values()];
  const head = painted('bold', fit(`${title}, ${passed(now - begun)}`, columns));
  const foot = painted('dim', fit(summary(subjects), columns));
  const room = Math.max(0, view.rows - 3);
  const widths = subjects.flatMap(withHosts).map(({ line, indent }) => line.id.length + indent);
  const width = Math.min(Math.max(0, ...widths), Math.floor(columns / 3));
  return view.rows < 4 ? [foot] : [head, ...chosen(subjects, room, width, view), foot];
}

/** All where there is room; else what needs a look first: what is under way, what waits, what failed, what is done. */
function chosen(subjects: Subject[], room: number, width: number, view: View): string[] {
  const blocks = subjects.map((subject) => ({
    urgency: urgencyOf(subject),
    at: subject.doing.is === 'ended' ? -subject.doing.at : 0,
    size: 1 + subject.hosts.size,
    subject,
  }));
  let left = room;
  const taken = new Set<Subject>();
  for (const { subject, size } of blocks.toSorted((a, b) => a.urgency - b.urgency || a.at - b.at)) {
    if (size > left && taken.size > 0) continue;
    taken.add(subject);
    left -= size;
  }
  // They stay in their order, so that the eye finds them again.
  const shown = subjects
    .filter((subject) => taken.has(subject))
    .flatMap(withHosts)
    .slice(0, room);
  let spare = room - shown.length;
  return shown.flatMap(({ line, indent }) => {
    const [first = '', ...rest] = row(line, indent, width, view);
    const more = rest.slice(0, Math.max(0, spare));
    spare -= more.length;
    return [first, ...more];
  });
}

const withHosts = (subject: Subject): { line: Line; indent: number }[] => [
  { line: subject, indent: 0 },
  ...[...subject.hosts.values()].map((line) => ({ line, indent: 2 })),
];

function urgencyOf({ doing }: Subject): number {
  if (doing.is === 'runs') return 0;
  if (doing.is === 'waits') return doing.next === undefined ? 2 : 1;
  return doing.how === 'done' ? 4 : 3;
}

/** What there is no room for stands below, where something waits: until when must not be what is cut off. */
function row(line: Line, indent: number, width: number, view: View): string[] {
  const { columns, now } = view;
  const name = fit(tame(' '.repeat(indent) + line.id), width).padEnd(width);
  const [style, state] = stateOf(line.doing);
  const time = timeOf(line, now).padStart(10);
  const lead = `  ${name}  ${state.padEnd(9)} ${time}  `;
  if (lead.length > columns) return [fit(lead.trimEnd(), columns)];
  const { needed, more } = detail(line, view);
  const room = columns - lead.length;
  const [first = '', ...rest] = needed.map(tame);
  const folds = needed.map(tame).join('; ').length > room;
  const said = folds ? first : [first, ...rest, ...more.map(tame)].join('; ');
  const inset = ' '.repeat(indent + 4);
  return [
    `  ${name}  ${painted(style, state.padEnd(9))} ${time}  ${fit(said, room)}`,
    ...(folds && rest.length > 0 ? [fit(inset + rest.join('; '), columns)] : []),
  ];
}

/** What is under way shows how long it has been at that; what has ended, how long it took in all. */
const timeOf = ({ doing, begun }: Line, now: number): string =>
  passed(doing.is === 'ended' ? doing.at - begun : now - doing.since);

function stateOf(doing: Doing): [Style, string] {
  switch (doing.is) {
    case 'runs':
      return ['cyan', 'runs'];
    case 'waits':
      return ['yellow', 'waits'];
    case 'ended':
      return [doing.how === 'done' ? 'green' : doing.how === 'failed' ? 'red' : 'yellow', doing.how];
  }
}

/** What a person has to know, and what is shown where there is room. */
function detail({ doing, retries, said }: Line, { now, date }: View): { needed: string[]; more: string[] } {
  const at = (ms: number) => clockTime(new Date(date.getTime() + ms - now), date);
  const tried = retries > 0 ? `${retries} ${retries === 1 ? 'retry' : 'retries'}` : '';
  const known = (...all: (string | undefined)[]) => all.filter((one): one is string => !!one);
  if (doing.is === 'ended') return { needed: known(doing.what, tried), more: [] };
  if (doing.is === 'runs') return { needed: known(doing.what, tried), more: known(said) };
  const until = doing.until === undefined ? '' : `until ${at(doing.until)} at most`;
  if (doing.next === undefined)
    return { needed: known(`${doing.what}: waits for ${doing.for}`, tried, until), more: known(said) };
  const again = `again in ${passed(doing.next - now)}`;
  return { needed: known(`${doing.what}: ${doing.for}`, again, tried, until), more: known(doing.why) };
}

/** Every state that something is in, and how many are. */
function summary(subjects: Subject[]): string {
  const counts = new Map<string, number>();
  for (const { doing } of subjects) {
    const state = doing.is === 'runs' ? 'under way' : doing.is === 'waits' ? 'waiting' : doing.how;
    counts.set(state, (counts.get(state) ?? 0) + 1);
  }
  const order = ['under way', 'waiting', 'failed', 'blocked', 'cancelled', 'done'];
  const said = order.flatMap((state) => (counts.has(state) ? [`${counts.get(state)} ${state}`] : []));
  return `${subjects.length} in all: ${said.join(', ')}`;
}
