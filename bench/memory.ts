import { readdirSync, readFileSync } from 'node:fs';

/** Peak resident memory in bytes of a program and all that it started. */
export interface Peak {
  /** Of all its processes together; pages that they share are counted for each. */
  tree: number;
  /** Of the largest single process. */
  largest: number;
}

const EVERY_MS = 20;

/** Samples `/proc` until `stop` is called; undefined where there is no `/proc`. */
export function watchMemory(): { watch(pid: number): void; stop(): Peak | undefined } {
  const peak: Peak = { tree: 0, largest: 0 };
  let root: number | undefined;
  const timer = setInterval(() => {
    if (root === undefined) return;
    let tree = 0;
    for (const pid of descendants(root)) {
      const resident = residentBytes(pid);
      tree += resident;
      peak.largest = Math.max(peak.largest, resident);
    }
    peak.tree = Math.max(peak.tree, tree);
  }, EVERY_MS);
  return {
    watch(pid) {
      root = pid;
    },
    stop() {
      clearInterval(timer);
      return peak.tree > 0 ? peak : undefined;
    },
  };
}

function descendants(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of safely(() => readdirSync('/proc')) ?? []) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    // The second field, the program's name, may hold spaces and brackets: the rest starts behind its last bracket.
    const stat = safely(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
    const parent = Number(stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const found = [root];
  for (const pid of found) found.push(...(children.get(pid) ?? []));
  return found;
}

function residentBytes(pid: number): number {
  const status = safely(() => readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status ?? '')?.[1] ?? 0) * 1024;
}

/** A process may end between listing and reading. */
function safely<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
