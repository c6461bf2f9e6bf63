import { watchMemory } from './memory.ts';
import { nxNoop } from './drivers/index.ts';
import type { Driver } from './drivers/index.ts';
import { floorPublish } from './floor.ts';
import { inspect } from './inspect.ts';
import type { BenchOptions } from './options.ts';
import { startRegistry } from './registries.ts';
import type { MemoryRow } from './results.ts';
import { readyRun } from './rounds.ts';
import type { Bed, Say } from './rounds.ts';

/** Peak resident memory of each of these drivers once, on loopback; untimed, because sampling costs time. */
export async function measureMemory(
  bed: Bed,
  load: string,
  drivers: Driver[],
  options: BenchOptions,
  say: Say,
): Promise<MemoryRow[]> {
  const rows: MemoryRow[] = [];
  for (const driver of drivers) {
    if (driver.role === 'floor' || driver.finish || driver.missing?.() !== undefined) continue;
    const [source, target] = await Promise.all([startRegistry(0), startRegistry(0)]);
    try {
      if (driver.operation === 'promote' && !driver.ownSource) await floorPublish(bed.packages, source, 8);
      const run = await readyRun(bed, driver, source, target, options.budgetMs);
      const { watch, stop } = watchMemory();
      const outcome = await driver.run({ ...run, onStart: watch });
      const peak = stop();
      const expected = (await driver.expected?.(run)) ?? bed.packages;
      const { complete } = await inspect(target, expected);
      if (peak === undefined || outcome.exit !== 0 || complete !== expected.length) {
        say(`memory, ${load}, ${driver.title}: exit ${outcome.exit}, ${complete} there; left out`);
        continue;
      }
      const { title, role } = driver;
      rows.push({ title, load, ...(role ? { role } : {}), peak });
      say(
        `memory, ${load}, ${title}: ${Math.round(peak.largest / 1e6)} MB, all ${Math.round(peak.tree / 1e6)} MB`,
      );
    } finally {
      await Promise.all([source.stop(), target.stop()]);
    }
  }
  return rows;
}

/** The same for Nx alone: what of the whole command's memory is not ours. */
export async function measureNoopMemory(bed: Bed, load: string, options: BenchOptions): Promise<MemoryRow[]> {
  await bed.workspace.reset();
  const { watch, stop } = watchMemory();
  await nxNoop(bed.workspace, { daemon: false, budgetMs: options.budgetMs, onStart: watch });
  const peak = stop();
  return peak ? [{ title: 'nx run-many -t noop', load, peak }] : [];
}
