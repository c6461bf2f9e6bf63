import type { FreezeWindow } from '../pipeline/types.ts';

export interface FreezeStatus {
  frozen: boolean;
  /** Why, in the words of the window (or of the problem with it). */
  reason?: string;
  /** The instant at which no window holds any more; undefined where none is foreseeable. */
  until?: Date;
}

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
/** Windows that follow on each other are joined; a chain longer than this has no foreseeable end. */
const LONGEST_CHAIN = 60;

/**
 * Whether one of the windows holds at `now`, and until when. A window that cannot be read holds: a typing mistake
 * must not open a gate.
 */
export function freezeStatus(windows: FreezeWindow[], now: Date): FreezeStatus {
  const first = holding(windows, now);
  if (!first) return { frozen: false };
  const status: FreezeStatus = { frozen: true, reason: first.reason };
  let last = first;
  for (let links = 0; links < LONGEST_CHAIN; links++) {
    if (!last.end) return status;
    const next = holding(windows, last.end);
    if (!next) return { ...status, until: last.end };
    last = next;
  }
  return status;
}

interface Holding {
  reason: string;
  end?: Date;
}

function holding(windows: FreezeWindow[], now: Date): Holding | undefined {
  for (const window of windows) {
    const found = readable(window, now);
    if (found) return found;
  }
  return undefined;
}

function readable(window: FreezeWindow, now: Date): Holding | undefined {
  try {
    return holds(window, now);
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    return { reason: `a freeze window cannot be read (${problem})` };
  }
}

function holds(window: FreezeWindow, now: Date): Holding | undefined {
  const from = window.from === undefined ? undefined : instant(window.from);
  const to = window.to === undefined ? undefined : instant(window.to);
  if (from && now < from) return undefined;
  if (to && now >= to) return undefined;
  if (!window.days && !window.between) return { reason: window.reason ?? 'freeze', end: to };
  const end = weeklyEnd(window, now);
  if (!end) return undefined;
  return { reason: window.reason ?? 'weekly freeze', end: to && to < end ? to : end };
}

/** End of the weekly window that holds at `now`. It may have begun the day before, where it goes past midnight. */
function weeklyEnd(window: FreezeWindow, now: Date): Date | undefined {
  const zone = window.timeZone ?? 'UTC';
  const days = window.days?.map(dayIndex);
  const start = window.between ? minutes(window.between[0]) : 0;
  const stop = window.between ? minutes(window.between[1]) : 24 * 60;
  const length = stop > start ? stop - start : stop - start + 24 * 60;
  const today = wallClock(now, zone);
  for (const back of [0, 1]) {
    const day = new Date(Date.UTC(today.year, today.month, today.day - back));
    if (days && !days.includes(day.getUTCDay())) continue;
    const begins = fromWallClock(day.getTime() + start * 60_000, zone);
    const ends = fromWallClock(day.getTime() + (start + length) * 60_000, zone);
    if (now >= begins && now < ends) return ends;
  }
  return undefined;
}

function instant(text: string): Date {
  const at = new Date(text);
  if (Number.isNaN(at.getTime())) throw new Error(`"${text}" is not an ISO 8601 instant`);
  return at;
}

function dayIndex(name: string): number {
  const index = DAYS.indexOf(name.slice(0, 3).toLowerCase());
  if (index < 0) throw new Error(`"${name}" is not a day`);
  return index;
}

function minutes(text: string): number {
  const match = /^(\d{1,2}):(\d{2})$/.exec(text);
  const value = match ? Number(match[1]) * 60 + Number(match[2]) : Number.NaN;
  if (!(value <= 24 * 60)) throw new Error(`"${text}" is not a time of day`);
  return value;
}

function wallClock(at: Date, zone: string) {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  }).formatToParts(at);
  const part = (type: string) => Number(parts.find((p) => p.type === type)?.value);
  const clock = { year: part('year'), month: part('month') - 1, day: part('day') };
  return {
    ...clock,
    asUtc: Date.UTC(clock.year, clock.month, clock.day, part('hour'), part('minute'), part('second')),
  };
}

/** The instant at which the clocks of the zone show this time (given as if it were UTC). */
function fromWallClock(asUtc: number, zone: string): Date {
  const offset = (at: number) => wallClock(new Date(at), zone).asUtc - at;
  const guess = asUtc - offset(asUtc);
  return new Date(asUtc - offset(guess));
}
