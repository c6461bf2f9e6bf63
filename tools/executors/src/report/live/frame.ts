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
  const shown = chosen(subjects, room);
  const widest = Math.max(0, ...shown.map(({ line, indent }) => line.id.length + indent));
  const width = Math.min(widest, Math.floor(columns / 3));
  const lines = shown.map(({ line, indent }) => row(line, indent, width, view));
  return view.rows < 4 ? [foot] : [head, ...lines, foot];
}

interface Shown {
  line: Line;
  indent: number;
}

/** All where there is room; else what needs a look first: what is under way, what waits, what failed, what is done. */
function chosen(subjects: Subject[], room: number): Shown[] {
  const blocks = subjects.map((subject) => ({
    urgency: urgencyOf(subject),
    at: subject.doing.is === 'ended' ? -subject.doing.at : 0,
    lines: [
      { line: subject, indent: 0 },
      ...[...subject.hosts.values()].map((line) => ({ line, indent: 2 })),
    ],
  }));
  let left = room;
  const taken = new Set<(typeof blocks)[number]>();
  for (const block of blocks.toSorted((a, b) => a.urgency - b.urgency || a.at - b.at)) {
    if (block.lines.length > left && taken.size > 0) continue;
    taken.add(block);
    left -= block.lines.length;
  }
  // They stay in their order, so that the eye finds them again.
  return blocks
    .filter((block) => taken.has(block))
    .flatMap(({ lines }) => lines)
    .slice(0, room);
}

function urgencyOf({ doing }: Subject): number {
  if (doing.is === 'runs') return 0;
  if (doing.is === 'waits') return doing.next === undefined ? 2 : 1;
  return doing.how === 'done' ? 4 : 3;
}

function row(line: Line, indent: number, width: number, view: View): string {
  const { columns, now } = view;
  const name = fit(tame(' '.repeat(indent) + line.id), width).padEnd(width);
  const [style, state] = stateOf(line.doing);
  const time = timeOf(line, now).padStart(10);
  const lead = `  ${name}  ${state.padEnd(9)} ${time}  `;
  const text = fit(tame(detail(line, view)), Math.max(0, columns - lead.length));
  if (lead.length > columns) return fit(lead.trimEnd(), columns);
  return `  ${name}  ${painted(style, state.padEnd(9))} ${time}  ${text}`;
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

function detail({ doing, retries, said }: Line, { now, date }: View): string {
  const at = (ms: number) => clockTime(new Date(date.getTime() + ms - now), date);
  const tried = retries > 0 ? `${retries} ${retries === 1 ? 'retry' : 'retries'}` : '';
  if (doing.is === 'ended') return [doing.what, tried].filter(Boolean).join('; ');
  if (doing.is === 'runs') return [doing.what, tried, said ?? ''].filter(Boolean).join('; ');
  const again = doing.next === undefined ? '' : `again in ${passed(doing.next - now)}`;
  const until = doing.until === undefined ? '' : `until ${at(doing.until)} at most`;
  const why = doing.next === undefined ? `waits for ${doing.for}` : doing.for;
  return [`${doing.what}: ${why}`, again, tried, until].filter(Boolean).join('; ');
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
