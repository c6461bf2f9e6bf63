// What a ledger of 100,000 records costs to open: node bench/ledger.ts [records] [records a batch]
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { openRepository } from '../tools/executors/src/git/index.ts';
import { openLedger } from '../tools/executors/src/ledger/index.ts';
import type { Published, RecordBody } from '../tools/executors/src/ledger/types.ts';
import { BRANCH, recordOf, STAGES, writeHistory } from './ledger-history.ts';

const [records = 100_000, size = 5] = process.argv.slice(2).map(Number);
const history = { records, size, packages: 300 };

const milliseconds = async <T>(work: () => Promise<T> | T): Promise<[number, T]> => {
  const start = performance.now();
  const result = await work();
  return [performance.now() - start, result];
};
const median = (values: number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number;

const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-ledger-'));
try {
  const [generating] = await milliseconds(() => writeHistory(folder, history));
  console.log(
    `${records} records in ${Math.ceil(records / size)} batches, made in ${(generating / 1000).toFixed(1)} s\n`,
  );
  const open = async (remote?: string) =>
    openLedger({
      repository: await openRepository(folder),
      branch: BRANCH,
      push: false,
      ...(remote ? { remote } : {}),
      repositoryIdentity: 'git.example.com/acme/shop',
      requireSignature: false,
    });
  const measure = async () => {
    const [opening, ledger] = await milliseconds(() => open());
    const [refresh, state] = await milliseconds(() => ledger.refresh());
    const [position] = await milliseconds(() => {
      for (const name of state.packages()) for (const stage of STAGES) state.position(stage, name);
    });
    const [spent] = await milliseconds(() => state.spent('none'));
    const [audit, problems] = await milliseconds(() => ledger.audit());
    if (state.count !== records || problems.length > 0)
      throw new Error('the ledger was not read as it was written');
    return { opening, refresh, position, spent, audit };
  };
  const print = (title: string, times: Awaited<ReturnType<typeof measure>>) =>
    console.log(
      `${title.padEnd(28)} ${Object.values(times)
        .map((time) => `${time.toFixed(0)} ms`.padStart(10))
        .join('')}`,
    );
  console.log(
    `${''.padEnd(28)} ${['open', 'refresh', 'positions', 'spent', 'audit'].map((t) => t.padStart(10)).join('')}`,
  );
  print('cold (no snapshot)', await measure());
  const warm: Awaited<ReturnType<typeof measure>>[] = [];
  for (let round = 0; round < 7; round++) warm.push(await measure());
  const keys = Object.keys(warm[0] as object) as (keyof (typeof warm)[0])[];
  print(
    'warm, median of 7',
    Object.fromEntries(keys.map((key) => [key, median(warm.map((run) => run[key]))])) as never,
  );

  const ledger = await open();
  await ledger.refresh();
  const { project, name, integrity, stage, registry } = recordOf(0, history) as Published;
  const body = (n: number): RecordBody => {
    const item = { project, name, version: `9.${n}.0`, integrity };
    return { type: 'held', pipeline: 'packages', stage, registry, ...item, reason: 'bench' };
  };
  const appends: number[] = [];
  for (let n = 0; n < 15; n++)
    appends.push((await milliseconds(() => ledger.append(() => [body(n)], { run: 'b' })))[0]);
  console.log(`\nappend of one record          ${median(appends).toFixed(0)} ms (median of 15)`);
  const [reopened, state] = await milliseconds(async () => (await open()).refresh());
  console.log(`refresh after 15 more batches ${reopened.toFixed(0)} ms (${state.count} records)`);
  const snapshots = join(folder, '.git', 'sluice');
  for (const name of await readdir(snapshots)) {
    console.log(
      `snapshot                      ${((await stat(join(snapshots, name))).size / 1e6).toFixed(0)} MB`,
    );
  }
  console.log(`resident memory               ${(process.memoryUsage().rss / 1e6).toFixed(0)} MB`);
} finally {
  await rm(folder, { recursive: true, force: true });
}
