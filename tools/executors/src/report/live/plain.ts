import type { HostEvent } from '../../deployment/index.ts';
import { redact } from '../../foundation/index.ts';
import type { StepEvent } from '../../steps/index.ts';
import { clockTime } from './text.ts';

/** Said when somebody presses Ctrl-C. */
export const STOPPING =
  'stopping: what was begun comes to a safe end; Ctrl-C again leaves at once (npx sluice status then says what is where)';

/** The same below Nx, which gives a task 5 s to end, and says nothing of its own from then on. */
export const STOPPING_BELOW_NX =
  'stopping: what was begun comes to a safe end, for which Nx leaves 5 s; after that, or with Ctrl-C again, hosts put back by themselves what is left, and npx sluice status says what is where';

/** What goes wrong for a while is said while it does; undefined for what is no news in a log. */
export function retryLine(event: StepEvent, date = new Date()): string | undefined {
  if (event.event !== 'retrying') return undefined;
  const { subject, row, error, inMs, leftMs } = event;
  const until = leftMs === undefined ? '' : `, until ${later(date, leftMs)} at most`;
  return redact(
    `${subject}: "${row}" again in ${(inMs / 1_000).toFixed(1)} s${until} (${error.code}: ${error.message})`,
  );
}

/** What a row waits for before it starts. */
export function waitingLine(event: StepEvent): string | undefined {
  if (event.event !== 'waiting') return undefined;
  return `${event.subject}: "${event.row}" waits for ${event.for.join(', ')} to be ${event.state}`;
}

/** What a host is waited for, and until when; undefined for what is no wait. */
export function hostLine(event: HostEvent, date = new Date()): string | undefined {
  const { host, phase } = event;
  if (event.event === 'lost')
    return `${host} ${phase}: the host does not answer; it is waited for until ${later(date, event.leftMs)} at most`;
  if (event.event !== 'started' || !event.awaits) return undefined;
  const { for: what, ms } = event.awaits;
  return `${host} ${phase}: waits for ${what}, until ${later(date, ms)} at most`;
}

/** A deployment line by line: every step, what is waited for, and what the hosts say. */
export function hostLines(say: (line: string) => void) {
  const lost = new Set<string>();
  return {
    onEvent: (event: StepEvent): void => {
      const line = event.event === 'started' ? `${event.subject}: ${event.row}` : waitingLine(event);
      if (line !== undefined) say(line);
    },
    onHost: (project: string, event: HostEvent): void => {
      // A lost host is asked again and again, and said once.
      const key = `${project} ${event.host}`;
      if (event.event === 'lost' && lost.has(key)) return;
      if (event.event === 'lost') lost.add(key);
      else lost.delete(key);
      const line = hostLine(event);
      if (line !== undefined) say(line);
    },
    onLine: (host: string, phase: string, line: string): void => say(`${host} ${phase} | ${line}`),
  };
}

const later = (date: Date, ms: number): string => clockTime(new Date(date.getTime() + ms), date);
