import type { LocalLease } from './lease.ts';

/** Waits until a person (Ctrl-C, SIGTERM) ends the registries, or they end by themselves; the lease is given back either way. */
export async function untilInterrupted(lease: LocalLease): Promise<'interrupted' | 'gone'> {
  const signals = ['SIGINT', 'SIGTERM'] as const;
  // An open lease does not keep its process alive; this does.
  const alive = setInterval(() => {}, 60_000);
  let interrupt = (): void => {};
  const interrupted = new Promise<void>((done) => (interrupt = done));
  for (const signal of signals) process.once(signal, interrupt);
  const how = await Promise.race([
    interrupted.then(() => 'interrupted' as const),
    lease.closed.then(() => 'gone' as const),
  ]);
  for (const signal of signals) process.off(signal, interrupt);
  clearInterval(alive);
  await lease.release();
  return how;
}
