import { expect, test } from 'vitest';
import { isChosen, readOptions } from './options.ts';
import { benchmarkPage } from './page.ts';
import { reportTables } from './report.ts';
import { isWhole, median, quickest } from './results.ts';
import type { Cell, Results } from './results.ts';
import { tooSlow } from './rounds.ts';
import { judge } from './targets.ts';

function cell(given: Partial<Cell>): Cell {
  return {
    operation: 'publish',
    step: 'first',
    packages: 100,
    latency: 0,
    id: 'x',
    title: 'x',
    ms: [1000],
    exit: 0,
    complete: 100,
    same: 100,
    ...given,
  };
}

function results(cells: Cell[], more: Partial<Results> = {}): Results {
  return {
    schemaVersion: 1,
    at: '2026-11-20T10:00:00.000Z',
    commit: 'abcdef0123456789',
    options: { packages: [100], latency: [0, 200], rounds: 3, budgetMs: 150_000, slowMs: 30_000 },
    machine: {
      processor: 'p',
      cores: 2,
      memoryBytes: 2 ** 34,
      system: 's',
      node: '26',
      npm: '11',
      nx: '23',
      verdaccio: '6',
      competitors: { pnpm: '12' },
    },
    cells,
    noop: [],
    memory: [],
    ...more,
  };
}

const floor = (ms: number, given: Partial<Cell> = {}): Cell =>
  cell({ id: 'floor-8', title: 'floor', role: 'floor', ms: [ms], ...given });
const us = (ms: number, given: Partial<Cell> = {}): Cell =>
  cell({ id: 'us', title: 'ours', role: 'us', ms: [ms], ...given });

test('the median is the middle, or the mean of the two in the middle', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(median([])).toBeNaN();
});

test.each<[string, Partial<Cell>]>([
  ['failed', { exit: 1 }],
  ['left versions out', { complete: 99 }],
  ['did not run', { ms: [] }],
])('a tool that %s is compared with nothing, and a footnote says why', (_, given) => {
  const bad = cell({ title: 'bad', ms: [10], note: 'because', ...given });
  expect(isWhole(bad)).toBe(false);
  expect(quickest([bad, cell({ ms: [700] })])).toBe(700);
  const row = reportTables(results([floor(100), bad]))
    .split('\n')
    .find((line) => line.startsWith('| `bad`'));
  expect(row).toContain('[1]');
  expect(row).not.toContain('floor');
});

test('a table compares each tool with the quickest floor and with us, latency by latency', () => {
  const text = reportTables(
    results([
      floor(100),
      floor(50, { title: 'floor 32' }),
      us(500),
      cell({ title: 'pnpm', ms: [900, 1000, 5000], same: 0 }),
      cell({ title: 'pnpm', ms: [20_000], latency: 200, same: 0 }),
    ]),
  );
  expect(text).toContain('| `pnpm` | 1.00 s (×20 floor, ×2.0 us) | 20.0 s | 100/100 | 0/100 |');
  expect(text).toContain('| `ours` | 0.50 s (×10 floor) |  | 100/100 | 100/100 |');
});

test('targets are met, missed, or not measured', () => {
  const met = (found: Results, part: string) => judge(found).find(({ wanted }) => wanted.includes(part))?.met;
  const measured = results([
    floor(100),
    floor(1000, { latency: 200 }),
    us(700),
    us(1500, { latency: 200 }),
    cell({ id: 'engine', role: 'engine', ms: [140] }),
    cell({ id: 'engine', role: 'engine', latency: 200, ms: [1600] }),
    cell({ id: 'nx-release', ms: [14_000] }),
    cell({ id: 'changesets', ms: [6_900] }),
    cell({ id: 'pnpm', latency: 200, ms: [7_500] }),
  ]);
  measured.noop.push({ packages: 100, daemon: false, ms: [500] });
  expect(met(measured, 'engine, publish')).toBe(false);
  expect(met(measured, '1/20')).toBe(true);
  expect(met(measured, '1/10')).toBe(false);
  expect(met(measured, 'publish at 0 ms')).toBe(true);
  expect(met(measured, '1/5 of pnpm')).toBe(true);
  expect(met(measured, 'engine, promote')).toBeUndefined();
  expect(met(measured, 'straight line')).toBeUndefined();
});

test('a straight line may bend by a quarter and no more', () => {
  const grown = (last: number) =>
    judge({
      ...results(
        [20, 100, 300].map((packages, i) => us([1000, 1800, last][i]!, { packages, complete: packages })),
      ),
      options: { packages: [20, 100, 300], latency: [0], rounds: 1, budgetMs: 1, slowMs: 1 },
    }).find(({ wanted }) => wanted.includes('straight line'))?.met;
  expect(grown(4200)).toBe(true);
  expect(grown(4400)).toBe(false);
});

test('memory is judged by the largest process, each load on its own', () => {
  const row = (load: string, largest: number) =>
    ({ title: 'ours', load, role: 'us', peak: { largest, tree: 2e9 } }) as const;
  const found = judge(
    results([], { memory: [row('100 packages', 299e6), row('one tarball of 200 MB', 601e6)] }),
  );
  expect(found.find(({ wanted }) => wanted.includes('under 300 MB'))?.met).toBe(true);
  expect(found.find(({ wanted }) => wanted.includes('under 600 MB'))?.met).toBe(false);
});

test('a tool is left out where its time at a smaller size says that it will not end in time', () => {
  const at300 = cell({ packages: 300, ms: [] });
  expect(tooSlow(at300, [cell({ ms: [60_000] })], 150_000)).toContain('180 s');
  expect(tooSlow(at300, [cell({ ms: [40_000] })], 150_000)).toBeUndefined();
  expect(tooSlow(at300, [cell({ ms: [60_000], latency: 200 })], 150_000)).toBeUndefined();
  expect(tooSlow(at300, [cell({ ms: [60_000], id: 'another' })], 150_000)).toBeUndefined();
});

test('the page holds machine, targets and tables, and no placeholder', () => {
  const page = benchmarkPage(results([floor(100), us(700)]));
  expect(page).toContain('2 cores');
  expect(page).toContain('| target | measured |');
  expect(page).toContain('### Publishing: 100 packages');
  expect(page).not.toContain('{{');
});

test('options', () => {
  expect(readOptions(['--packages=100,20', '--latency=0', '--no-large', '--tools=us,pnpm'])).toMatchObject({
    packages: [20, 100],
    latency: [0],
    rounds: 3,
    memory: true,
    large: false,
    tools: ['us', 'pnpm'],
  });
  expect(readOptions(['--quick', '--latency=200'])).toMatchObject({
    packages: [20],
    latency: [200],
    memory: false,
  });
  expect(() => readOptions(['--packages=many'])).toThrow('--packages=many');
  expect(() => readOptions(['--speed=9'])).toThrow('--speed');
  expect(isChosen('us-daemon', ['us'])).toBe(true);
  expect(isChosen('pnpm', ['npm'])).toBe(false);
});
