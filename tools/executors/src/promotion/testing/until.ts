import { setTimeout as pause } from 'node:timers/promises';

/** Waits for something that another process does; fails after half a minute. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 30_000;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`never came true: ${holds}`);
    await pause(10);
  }
}
