import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ROOT } from './commands.ts';
import { drivers } from './drivers/index.ts';
import { installCompetitors } from './install.ts';
import { currentCommit, machineFacts } from './machine.ts';
import { measureMemory, measureNoopMemory } from './memory-rows.ts';
import { isChosen, readOptions, USAGE } from './options.ts';
import type { BenchOptions } from './options.ts';
import { benchmarkPage } from './page.ts';
import { machineText, reportTables } from './report.ts';
import type { Results } from './results.ts';
import { measureNoop, measureRounds, warmNx } from './rounds.ts';
import type { Bed, Say } from './rounds.ts';
import { prepareTarballs } from './tarballs.ts';
import { judge, targetTable } from './targets.ts';
import { createWorkspace } from './workspace.ts';
import type { WorkspaceOptions } from './workspace.ts';

/** Packages in the measurement of memory. */
const MEMORY_PACKAGES = 100;
/** Text of base64 shrinks to three quarters: this makes a tarball of 200 MB. */
const LARGE_BYTES = 267_000_000;

const say: Say = (line) => process.stderr.write(`${line}\n`);

async function main(options: BenchOptions): Promise<void> {
  const results = options.from === undefined ? await measure(options) : readResults(options.from);
  if (options.from === undefined) say(`stored in ${store(results)}`);
  console.log(
    [machineText(results), reportTables(results), '### Targets', targetTable(judge(results))].join('\n\n'),
  );
  if (options.write !== undefined) writeFileSync(resolve(options.write), benchmarkPage(results));
}

async function measure(options: BenchOptions): Promise<Results> {
  await installCompetitors();
  const { packages, latency, rounds, budgetMs, slowMs } = options;
  const results: Results = {
    schemaVersion: 1,
    at: new Date().toISOString(),
    commit: await currentCommit(),
    options: { packages, latency, rounds, budgetMs, slowMs },
    machine: await machineFacts(),
    cells: [],
    noop: [],
    memory: [],
  };
  const chosen = drivers.filter((driver) => isChosen(driver.id, options.tools));
  for (const count of packages) {
    await withBed({ count }, async (bed) => {
      if (isChosen('noop', options.tools) || isChosen('us', options.tools)) {
        results.noop.push(...(await measureNoop(bed, options, say)));
      }
      for (const delay of latency) {
        for (const operation of ['publish', 'promote'] as const) {
          const own = chosen.filter((driver) => driver.operation === operation);
          results.cells.push(
            ...(await measureRounds(bed, operation, delay, own, results.cells, options, say)),
          );
        }
      }
    });
  }
  if (options.memory) {
    await withBed({ count: MEMORY_PACKAGES }, async (bed) => {
      const load = `${MEMORY_PACKAGES} packages`;
      const quick = chosen.filter((driver) => !['nx-release', 'changesets', 'npm-loop'].includes(driver.id));
      results.memory.push(...(await measureNoopMemory(bed, load, options)));
      results.memory.push(...(await measureMemory(bed, load, quick, options, say)));
    });
  }
  if (options.memory && options.large) {
    await withBed({ count: 1, bytes: LARGE_BYTES }, async (bed) => {
      const one = chosen.filter((driver) => driver.role !== undefined || ['npm', 'pnpm'].includes(driver.id));
      results.memory.push(...(await measureMemory(bed, 'one tarball of 200 MB', one, options, say)));
    });
  }
  return results;
}

async function withBed(size: WorkspaceOptions, work: (bed: Bed) => Promise<void>): Promise<void> {
  say(`a workspace of ${size.count} packages ...`);
  const workspace = await createWorkspace(size);
  try {
    const packages = await prepareTarballs(workspace);
    await warmNx(workspace);
    await work({ workspace, packages });
  } finally {
    workspace.dispose();
  }
}

function store(results: Results): string {
  const folder = join(ROOT, 'bench', 'results');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${results.at.slice(0, 19).replaceAll(':', '-')}.json`);
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
  return file;
}

function readResults(file: string): Results {
  const results = JSON.parse(readFileSync(resolve(file), 'utf8')) as Results;
  if (results.schemaVersion !== 1) throw new Error(`${file} was not written by this bench`);
  return results;
}

if (process.argv.includes('--help')) {
  console.log(USAGE);
} else {
  try {
    await main(readOptions(process.argv.slice(2)));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
