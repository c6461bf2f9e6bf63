import { megabytes, seconds, table, times } from './report.ts';
import { isWhole, median, quickest } from './results.ts';
import type { Cell, Results } from './results.ts';

export interface Target {
  wanted: string;
  /** What was measured; undefined where nothing was. */
  found?: string;
  met?: boolean;
}

/** What the project promises about speed, judged by these results; pure. */
export function judge(results: Results): Target[] {
  return [
    ...engineTargets(results),
    ...commandTargets(results),
    ...againTarget(results),
    ...memoryTargets(results),
    straightLine(results),
  ];
}

export function targetTable(targets: Target[]): string {
  return table(
    ['target', 'measured', ''],
    targets.map(({ wanted, found, met }) => [
      wanted,
      found ?? '',
      met === undefined ? 'not measured' : met ? 'met' : '**missed**',
    ]),
  );
}

type Pick_ = Partial<Pick<Cell, 'operation' | 'packages' | 'latency' | 'id' | 'role' | 'step'>>;
function pick(results: Results, wanted: Pick_): Cell[] {
  const all = { step: 'first', ...wanted };
  return results.cells.filter((cell) =>
    Object.entries(all).every(([key, value]) => cell[key as keyof Cell] === value),
  );
}
const ours = (results: Results, wanted: Pick_): number => quickest(pick(results, { role: 'us', ...wanted }));
const floor = (results: Results, wanted: Pick_): number =>
  quickest(pick(results, { role: 'floor', ...wanted }));
const noop = (results: Results, packages: number): number =>
  median(results.noop.find((n) => n.packages === packages && !n.daemon)?.ms ?? []);

/** `measured` has to be at most `most`; both in the same unit, NaN where it was not measured. */
function atMost(wanted: string, measured: number, most: number, text: string): Target {
  return Number.isNaN(measured) || Number.isNaN(most)
    ? { wanted }
    : { wanted, found: text, met: measured <= most };
}

function engineTargets(results: Results): Target[] {
  return (
    [
      ['publish', 1.5],
      ['promote', 2],
    ] as const
  ).flatMap(([operation, most]) =>
    worst(
      results,
      (packages, latency) => {
        const where = { operation, packages, latency };
        const ratio = quickest(pick(results, { role: 'engine', ...where })) / floor(results, where);
        return atMost(
          `engine, ${operation}: at most ${most} times the floor at every size and latency`,
          ratio,
          most,
          `${times(ratio)} at its worst (${packages} packages, ${latency} ms)`,
        );
      },
      (packages, latency) => {
        const where = { operation, packages, latency };
        return quickest(pick(results, { role: 'engine', ...where })) / floor(results, where);
      },
    ),
  );
}

/** The target at the size and latency where `ratio` is greatest. */
function worst(
  { options }: Results,
  target: (packages: number, latency: number) => Target,
  ratio: (packages: number, latency: number) => number,
): Target[] {
  const places = options.packages.flatMap((packages) =>
    options.latency.map((latency) => ({ packages, latency })),
  );
  const measured = places.filter((p) => !Number.isNaN(ratio(p.packages, p.latency)));
  const by = (p: (typeof places)[number]): number => ratio(p.packages, p.latency);
  const place = measured.sort((a, b) => by(b) - by(a))[0] ?? places[0];
  return place ? [target(place.packages, place.latency)] : [];
}

function commandTargets(results: Results): Target[] {
  const packages = 100;
  const publish = (id: string, latency: number): number =>
    quickest(pick(results, { operation: 'publish', packages, latency, id }));
  const us = (latency: number): number => ours(results, { operation: 'publish', packages, latency });
  const share = (wanted: string, latency: number, other: number, part: number): Target =>
    atMost(wanted, us(latency), other * part, `${seconds(us(latency))} beside ${seconds(other)}`);
  const promote = (wanted: string, latency: number): Target => {
    const time = ours(results, { operation: 'promote', packages, latency });
    const loops = ['pnpm-loop', 'npm-loop'].flatMap((id) =>
      pick(results, { operation: 'promote', packages, latency, id }),
    );
    return atMost(wanted, time, quickest(loops) / 2, `${seconds(time)} beside ${seconds(quickest(loops))}`);
  };
  const others = (latency: number): number =>
    quickest(pick(results, { operation: 'publish', packages, latency }).filter((c) => c.role === undefined));
  return [
    share(
      'whole command: at most 1/20 of `nx release publish` on loopback',
      0,
      publish('nx-release', 0),
      1 / 20,
    ),
    share(
      'whole command: at most 1/10 of `changeset publish` on loopback',
      0,
      publish('changesets', 0),
      1 / 10,
    ),
    ...results.options.latency.flatMap((latency) =>
      (['publish', 'promote'] as const).map((operation) => {
        const most = noop(results, packages) + 2 * floor(results, { operation, packages, latency });
        const time = ours(results, { operation, packages, latency });
        return atMost(
          `whole command, ${operation} at ${latency} ms: at most Nx's own time plus 2 times the floor`,
          time,
          most,
          `${seconds(time)} of ${seconds(most)}`,
        );
      }),
    ),
    ...results.options.latency
      .filter((latency) => latency >= 50)
      .map((latency) =>
        share(`whole command: ahead of every tool at ${latency} ms`, latency, others(latency), 1),
      ),
    share('whole command: at most 1/5 of pnpm at 200 ms', 200, publish('pnpm', 200), 1 / 5),
    ...results.options.latency.map((latency) =>
      promote(`promotion: at most 1/2 of the quickest loop at ${latency} ms`, latency),
    ),
  ];
}

function againTarget(results: Results): Target[] {
  return (['publish', 'promote'] as const).map((operation) => {
    const time = ours(results, { operation, packages: 100, latency: 0, step: 'again' });
    const most = noop(results, 100) + 300;
    return atMost(
      `${operation} again with nothing to do: at most Nx's own time plus 0.3 s`,
      time,
      most,
      `${seconds(time)} of ${seconds(most)}`,
    );
  });
}

function memoryTargets({ memory }: Results): Target[] {
  return (
    [
      ['packages', 300e6, '100 packages under 300 MB'],
      ['200 MB', 600e6, 'a tarball of 200 MB under 600 MB'],
    ] as const
  ).map(([load, most, wanted]) => {
    const peaks = memory.filter((m) => m.role === 'us' && m.load.includes(load)).map((m) => m.peak.largest);
    const peak = peaks.length > 0 ? Math.max(...peaks) : Number.NaN;
    return atMost(`memory of the largest process: ${wanted}`, peak, most, megabytes(peak));
  });
}

/** Time has to grow in a straight line: the last step may not be steeper than the first by more than a quarter. */
function straightLine(results: Results): Target {
  const wanted = 'whole command: time grows in a straight line with the number of packages';
  const points = results.options.packages
    .map((packages) =>
      pick(results, { role: 'us', operation: 'publish', packages, latency: 0 }).find(isWhole),
    )
    .filter((cell) => cell !== undefined)
    .map((cell) => ({ packages: cell.packages, ms: median(cell.ms) }));
  const [a, b, c] = [points[0], points[1], points.at(-1)];
  if (!a || !b || !c || points.length < 3) return { wanted };
  const first = (b.ms - a.ms) / (b.packages - a.packages);
  const last = (c.ms - b.ms) / (c.packages - b.packages);
  return atMost(
    wanted,
    last,
    first * 1.25,
    `${first.toFixed(1)} ms a package from ${a.packages} to ${b.packages}, ${last.toFixed(1)} from ${b.packages} to ${c.packages}`,
  );
}
