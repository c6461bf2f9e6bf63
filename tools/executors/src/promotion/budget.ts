/**
 * How many bytes of fetched artifacts may wait in memory at once. Handed out first come, first served; since
 * dependencies ask before their dependents, the ones that hold room never wait for ones that have none.
 */
export function memoryBudget(limit: number, largest: number): (size: number) => Promise<() => void> {
  let free = limit;
  const queue: { weight: number; start: () => void }[] = [];
  const next = (): void => {
    while (queue[0] && queue[0].weight <= free) {
      const first = queue.shift() as { weight: number; start: () => void };
      free -= first.weight;
      first.start();
    }
  };
  return (size) =>
    new Promise((resolve) => {
      const weight = Math.min(Math.max(size, 1), largest, limit);
      let released = false;
      const release = (): void => {
        if (released) return;
        released = true;
        free += weight;
        next();
      };
      queue.push({ weight, start: () => resolve(release) });
      next();
    });
}
