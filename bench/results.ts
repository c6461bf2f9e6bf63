import type { Operation, Role } from './drivers/index.ts';
import type { Peak } from './memory.ts';

/** All runs of one driver at one size and one latency. */
export interface Cell {
  operation: Operation;
  /** `again`: the same command once more, with nothing left to do. */
  step: 'first' | 'again';
  packages: number;
  latency: number;
  id: string;
  title: string;
  role?: Role;
  /** Milliseconds of each round. */
  ms: number[];
  exit: number | null;
  /** Versions found in the target after the last run, and how many of them have the source's bytes. */
  complete: number;
  same: number;
  /** Why there are no runs, or fewer than asked for. */
  note?: string;
  /** The end of the output of a run that failed. */
  output?: string;
}

/** Nx's own time for as many tasks. */
export interface NoopCell {
  packages: number;
  daemon: boolean;
  ms: number[];
}

export interface MemoryRow {
  title: string;
  /** What was published or promoted: "100 packages", "one tarball of 200 MB". */
  load: string;
  role?: Role;
  peak: Peak;
}

export interface Machine {
  processor: string;
  cores: number;
  memoryBytes: number;
  system: string;
  node: string;
  npm: string;
  nx: string;
  verdaccio: string;
  competitors: Record<string, string>;
}

/** What one run of the bench found; stored as JSON, printed as tables. */
export interface Results {
  schemaVersion: 1;
  at: string;
  commit: string;
  options: { packages: number[]; latency: number[]; rounds: number; budgetMs: number; slowMs: number };
  machine: Machine;
  cells: Cell[];
  noop: NoopCell[];
  memory: MemoryRow[];
}

/** The middle value (of an even number, the mean of the two in the middle); NaN of none. */
export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Whether the cell's time can be compared with others: it ran, ended well, and all versions are there. */
export function isWhole(cell: Cell | undefined): boolean {
  return cell !== undefined && cell.ms.length > 0 && cell.exit === 0 && cell.complete === cell.packages;
}

/** The quickest whole median among these cells; NaN where there is none. */
export function quickest(cells: Cell[]): number {
  const times = cells.filter((cell) => isWhole(cell)).map((cell) => median(cell.ms));
  return times.length > 0 ? Math.min(...times) : Number.NaN;
}
