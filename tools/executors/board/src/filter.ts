import type { Cell, Project } from '../../src/board/model/types.ts';
import { moodOf } from './words.ts';

/** What the flow may be narrowed to. */
export const SHOWS = {
  all: 'Everything',
  waiting: 'What waits',
  open: 'What can move now',
  closed: 'Gate closed',
  held: 'Held',
  failed: 'Failed',
  back: 'Went back',
  new: 'Changed or affected',
} as const;
export type Show = keyof typeof SHOWS;

export const isShow = (text: string): text is Show => Object.hasOwn(SHOWS, text);

const TESTS: Record<Exclude<Show, 'all' | 'new'>, (cell: Cell) => boolean> = {
  waiting: (cell) => cell.waiting !== undefined,
  open: (cell) => moodOf(cell) === 'open',
  closed: (cell) => moodOf(cell) === 'closed',
  held: (cell) => (cell.held ?? []).length > 0,
  failed: (cell) => cell.failed !== undefined,
  back: (cell) => cell.wentBack !== undefined,
};

/** Whether a project is among what was asked for: all words in its name, a version, a digest, or who had to do with it. */
export function matches(project: Project, text: string, show: Show): boolean {
  if (show === 'new' && project.news === undefined) return false;
  if (show !== 'all' && show !== 'new' && !project.cells.some(TESTS[show])) return false;
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const all = [
    project.name,
    project.project,
    ...project.cells.flatMap((cell) => [
      cell.version,
      cell.digest,
      cell.by,
      ...cell.approvedBy,
      cell.waiting?.version,
      ...(cell.waiting?.gate?.conditions ?? []).flatMap((condition) => condition.who ?? []),
      ...(cell.running?.hosts ?? []).map((host) => host.host),
    ]),
  ]
    .join(' ')
    .toLowerCase();
  return words.every((word) => all.includes(word));
}
