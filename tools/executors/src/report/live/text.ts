import { stripVTControlCharacters } from 'node:util';
import { redact } from '../../foundation/index.ts';

/** One line of text that does nothing to a terminal, and shows no secret: redacted before anything is cut off. */
export const tame = (text: string): string =>
  // eslint-disable-next-line no-control-regex
  stripVTControlCharacters(redact(text)).replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');

/** The text in at most so many columns, with a sign where something was cut off. */
export function fit(text: string, columns: number): string {
  let used = 0;
  const all = [...text];
  for (const [at, character] of all.entries()) {
    const wide = widthOf(character);
    const isLast = at === all.length - 1;
    if (used + wide > columns - (isLast ? 0 : 1)) return columns < 1 ? '' : `${all.slice(0, at).join('')}…`;
    used += wide;
  }
  return text;
}

/** Ideographs, Hangul and pictures take two columns. Where this is wrong, the screen wraps the line. */
const widthOf = (character: string): number => ((character.codePointAt(0) ?? 0) > 0x11_00 ? 2 : 1);

/** "0.4 s", "12 s", "3 min 5 s", "2 h 10 min": what has passed, never rounded up to what has not. */
export function passed(ms: number): string {
  if (ms < 10_000) return `${(Math.floor(Math.max(0, ms) / 100) / 10).toFixed(1)} s`;
  const seconds = Math.floor(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A time of this day as its clock shows it; another day's with its date. */
export function clockTime(at: Date, now: Date): string {
  const two = (n: number) => String(n).padStart(2, '0');
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(':');
  if (at.toDateString() === now.toDateString()) return time;
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${time}`;
}
