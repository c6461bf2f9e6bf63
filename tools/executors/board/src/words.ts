import type { Cell, Condition, TimelineEvent } from '../../src/board/model/types.ts';

const UNITS: [seconds: number, name: string][] = [
  [86_400, 'day'],
  [3600, 'hour'],
  [60, 'minute'],
];

/** "3 days", "5 hours", "8 seconds": the largest unit that is at least one. */
export function span(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  const [size, name] = UNITS.find(([least]) => seconds >= least) ?? [1, 'second'];
  const count = Math.floor(seconds / size);
  return `${count} ${name}${count === 1 ? '' : 's'}`;
}

export const since = (at: string, now: number): string => span(now - Date.parse(at));

/** "2026-11-21 08:30 UTC", the same for everybody who gets the link. */
export const instant = (at: string): string => `${at.slice(0, 16).replace('T', ' ')} UTC`;

/** The first characters of a digest, without the name of its algorithm. */
export function short(digest: string): string {
  return digest.replace(/^[a-z0-9]+[-:]/, '').slice(0, 8);
}

/** What one cell is above all. `open`: the next version may come in. `closed`: the gate holds it. */
export type Mood = 'empty' | 'stands' | 'open' | 'closed' | 'held' | 'failed' | 'back';

export function moodOf(cell: Cell): Mood {
  if (cell.failed) return 'failed';
  if (cell.isHeld) return 'held';
  if (cell.waiting) return cell.waiting.gated && !cell.waiting.gate?.open ? 'closed' : 'open';
  if (cell.wentBack) return 'back';
  return cell.version === undefined ? 'empty' : 'stands';
}

/** A sign for each mood, so that no colour is needed. */
export const SIGNS: Record<Mood, string> = {
  empty: '·',
  stands: '✓',
  open: '▸',
  closed: '■',
  held: '⊘',
  failed: '✕',
  back: '↩',
};

/** The one line below a version: what a person would want to know first. */
export function headline(cell: Cell, now: number): string {
  const { waiting, failed, wentBack, running } = cell;
  switch (moodOf(cell)) {
    case 'failed':
      return `${failed?.version} failed: ${failed?.code}, ${failed?.outcome}${running ? `; ${runs(cell)}` : ''}`;
    case 'held':
      return `${cell.version} is held: nothing promotes it`;
    case 'closed':
      return `${waiting?.version} waits: ${waiting?.problem ?? (waiting?.gate ? missing(waiting.gate.conditions, now) : 'its gate is being asked')}`;
    case 'open':
      return waiting?.gate
        ? `${waiting.version} can come in: the gate is open`
        : `${waiting?.version} can come in`;
    case 'back':
      return `went back from ${wentBack?.from}${(cell.held ?? []).includes(wentBack?.from ?? '') ? ', which is held' : ''}: ${wentBack?.reason}`;
    default:
      return running ? runs(cell) : '';
  }
}

function runs({ running, version }: Cell): string {
  const hosts = running?.hosts ?? [];
  const unknown = hosts.filter((host) => host.health === 'unknown').length;
  const which = running?.version === version ? 'runs' : `runs ${running?.version}`;
  const where = `on ${hosts.length} host${hosts.length === 1 ? '' : 's'}`;
  return unknown > 0 ? `${which} ${where}, ${unknown} unproved` : `${which} ${where}`;
}

/** What a gate misses, shortest first: the time that is left, who may approve. */
export function missing(conditions: Condition[], now: number): string {
  const closed = conditions.filter((condition) => !condition.open);
  return closed
    .map(({ name, until, who, detail }) => {
      if (until && Date.parse(until) > now) return `${name}, ${span(Date.parse(until) - now)} left`;
      if (name === 'approvals' && who && who.length > 0) return `approval by ${who.join(' or ')}`;
      return detail;
    })
    .join('; ');
}

export const EVENT_WORDS: Record<TimelineEvent['type'], { sign: string; word: string }> = {
  published: { sign: '+', word: 'published' },
  promoted: { sign: '▸', word: 'promoted' },
  approved: { sign: '✓', word: 'approved' },
  'rolled-back': { sign: '↩', word: 'rolled back' },
  held: { sign: '⊘', word: 'held' },
  released: { sign: '○', word: 'released from hold' },
  deployed: { sign: '●', word: 'deployed' },
  'deploy-failed': { sign: '✕', word: 'deployment failed' },
  returned: { sign: '↩', word: 'returned' },
  'freeze-overridden': { sign: '!', word: 'freeze overridden' },
};
