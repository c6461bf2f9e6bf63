import type { Outcome } from './commands.ts';
import { mustRun, toolEnv } from './commands.ts';
import { NX } from './daemon.ts';
import { nxNoop } from './drivers/index.ts';
import type { Driver, Operation, Run } from './drivers/index.ts';
import { floorPublish } from './floor.ts';
import { inspect } from './inspect.ts';
import type { BenchOptions } from './options.ts';
import { startRegistry } from './registries.ts';
import type { Registry } from './registries.ts';
import { median } from './results.ts';
import type { Cell, NoopCell } from './results.ts';
import type { Prepared } from './tarballs.ts';
import { makeHome } from './workspace.ts';
import type { Workspace } from './workspace.ts';

export interface Bed {
  workspace: Workspace;
  packages: Prepared[];
}
export type Say = (line: string) => void;

/** Runs every driver in every round, each round starting with another one, each run on a fresh registry. */
export async function measureRounds(
  bed: Bed,
  operation: Operation,
  latency: number,
  drivers: Driver[],
  earlier: Cell[],
  options: BenchOptions,
  say: Say,
): Promise<Cell[]> {
  const cells = new Map<Driver, { first: Cell; again?: Cell }>();
  for (const driver of drivers) {
    const first = emptyCell(bed, driver, latency, 'first');
    const note = driver.missing?.() ?? tooSlow(first, earlier, options.budgetMs);
    if (note !== undefined) first.note = note;
    cells.set(driver, driver.again ? { first, again: emptyCell(bed, driver, latency, 'again') } : { first });
  }
  const source = await startRegistry(latency);
  try {
    if (operation === 'promote') await floorPublish(bed.packages, { ...source, url: source.direct }, 32);
    for (let round = 0; round < options.rounds; round++) {
      const shift = Math.floor((round * drivers.length) / options.rounds);
      for (const driver of [...drivers.slice(shift), ...drivers.slice(0, shift)]) {
        const { first, again } = cells.get(driver)!;
        if (first.note !== undefined || (first.ms.length > 0 && first.exit !== 0)) continue;
        await oneRun(bed, driver, source, first, again, options, say);
        if (round === 0 && options.rounds > 1 && median(first.ms) > options.slowMs) first.note = 'one run';
      }
    }
  } finally {
    await source.stop();
  }
  return [...cells.values()].flatMap(({ first, again }) => (again ? [first, again] : [first]));
}

async function oneRun(
  bed: Bed,
  driver: Driver,
  source: Registry,
  first: Cell,
  again: Cell | undefined,
  options: BenchOptions,
  say: Say,
): Promise<void> {
  const target = await startRegistry(first.latency);
  const own = driver.ownSource === true && driver.operation === 'promote';
  const from = own ? await startRegistry(first.latency) : source;
  let run: Run | undefined;
  try {
    run = await readyRun(bed, driver, from, target, options.budgetMs);
    let expected: { name: string; version: string; integrity: string }[] | undefined;
    for (const cell of again ? [first, again] : [first]) {
      const outcome = await driver.run(run);
      expected ??= (await driver.expected?.(run)) ?? bed.packages;
      note(cell, outcome, await inspect(target, expected), options.budgetMs);
      say(
        `${cell.packages} packages, ${cell.latency} ms, ${cell.title}${cell.step === 'again' ? ', again' : ''}: ` +
          `${Math.round(outcome.ms)} ms, exit ${outcome.exit}, ${cell.complete} there, ${cell.same} the same`,
      );
      if (outcome.exit !== 0) return;
    }
  } finally {
    if (run) await driver.finish?.(run);
    await Promise.all([target.stop(), own ? from.stop() : undefined]);
  }
}

/** Brings workspace and home into the state that this driver starts from. */
export async function readyRun(
  bed: Bed,
  driver: Driver,
  source: Registry,
  target: Registry,
  budgetMs: number,
): Promise<Run> {
  await bed.workspace.reset(driver.files);
  const home = makeHome(
    bed.workspace,
    driver.id,
    driver.operation === 'promote' ? [target, source] : [target],
  );
  const run: Run = {
    ...bed,
    target,
    source: driver.operation === 'promote' ? source : target,
    home,
    budgetMs,
  };
  await driver.prepare?.(run);
  return run;
}

function note(
  cell: Cell,
  outcome: Outcome,
  found: { complete: number; same: number },
  budgetMs: number,
): void {
  cell.ms.push(outcome.ms);
  cell.exit = outcome.exit;
  cell.complete = found.complete;
  cell.same = found.same;
  if (outcome.cut) cell.note = `ended after ${budgetMs / 1000} s`;
  if (outcome.exit !== 0) cell.output = outcome.output;
}

/** A tool that is sure to run out of its time at this size, by its own time at a smaller size or latency, is left out. */
export function tooSlow(cell: Cell, earlier: Cell[], budgetMs: number): string | undefined {
  const likely = earlier
    .filter(
      (e) => e.id === cell.id && e.operation === cell.operation && e.step === 'first' && e.ms.length > 0,
    )
    .filter((e) => e.latency <= cell.latency && e.packages <= cell.packages)
    .map((e) => (median(e.ms) * cell.packages) / e.packages);
  const longest = Math.max(0, ...likely);
  if (longest <= budgetMs) return undefined;
  return `left out: over ${Math.round(longest / 1000)} s by its own time before, and one run may take ${budgetMs / 1000} s`;
}

function emptyCell(bed: Bed, driver: Driver, latency: number, step: Cell['step']): Cell {
  const { operation, id, title, role } = driver;
  return {
    operation,
    step,
    packages: bed.packages.length,
    latency,
    id,
    title,
    ...(role ? { role } : {}),
    ms: [],
    exit: null,
    complete: 0,
    same: 0,
  };
}

/** Nx's own time at this size, daemon off and on in turn. */
export async function measureNoop(bed: Bed, options: BenchOptions, say: Say): Promise<NoopCell[]> {
  await bed.workspace.reset();
  const packages = bed.packages.length;
  const cells: NoopCell[] = [false, true].map((daemon) => ({ packages, daemon, ms: [] }));
  for (let round = 0; round < options.rounds; round++) {
    for (const cell of cells) {
      const { ms, exit, output } = await nxNoop(bed.workspace, {
        daemon: cell.daemon,
        budgetMs: options.budgetMs,
      });
      if (exit !== 0) throw new Error(`nx run-many -t noop ended with ${exit}:\n${output}`);
      cell.ms.push(ms);
      say(`${packages} packages, nx:noop, daemon ${cell.daemon ? 'on' : 'off'}: ${Math.round(ms)} ms`);
    }
  }
  return cells;
}

/** Fills Nx's caches once, so that no driver has to do it for the ones after it. */
export async function warmNx(workspace: Workspace): Promise<void> {
  await mustRun([...NX, 'show', 'projects'], workspace.tree, toolEnv(workspace.folder));
}
