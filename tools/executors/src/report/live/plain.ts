import { redact } from '../../foundation/index.ts';
import type { StepEvent } from '../../steps/index.ts';

/** Said when somebody presses Ctrl-C. */
export const STOPPING =
  'stopping: what was begun comes to a safe end; Ctrl-C again leaves at once (npx sluice status then says what is where)';

/** What goes wrong for a while is said while it does; undefined for what is no news in a log. */
export function retryLine(event: StepEvent): string | undefined {
  if (event.event !== 'retrying') return undefined;
  const seconds = (event.inMs / 1000).toFixed(1);
  return redact(
    `${event.subject}: "${event.row}" again in ${seconds} s (${event.error.code}: ${event.error.message})`,
  );
}
