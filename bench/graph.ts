import { createHash } from 'node:crypto';

/** One package of the measured workspace. */
export interface BenchPackage {
  name: string;
  /** Path in the workspace. */
  folder: string;
  version: string;
  /** Names of the packages that it depends on; they stand before it in the list. */
  dependencies: string[];
}

/** Longest chain of packages in the graph. */
export const DEPTH = 6;

/**
 * `count` packages in six layers of equal size, dependencies first. Each package beyond the first layer depends on one
 * of the layer right before it (so the depth is real) and on up to two of any layer before. The same for every run.
 */
export function packageGraph(count: number): BenchPackage[] {
  const layers = Math.min(DEPTH, count);
  const packages: BenchPackage[] = [];
  const startOf = (layer: number): number => Math.ceil((layer * count) / layers);
  for (let index = 0; index < count; index++) {
    const layer = Math.floor((index * layers) / count);
    const chosen = new Set<number>();
    if (layer > 0) {
      const previous = startOf(layer - 1);
      chosen.add(previous + (number(`${index} layer`) % (startOf(layer) - previous)));
      const more = number(`${index} more`) % 3;
      for (let extra = 0; extra < more; extra++) chosen.add(number(`${index} ${extra}`) % startOf(layer));
    }
    const folder = `p${String(index + 1).padStart(3, '0')}`;
    packages.push({
      name: `@bench/${folder}`,
      folder: `packages/${folder}`,
      version: '1.0.0',
      dependencies: [...chosen].sort((a, b) => a - b).map((i) => packages[i]!.name),
    });
  }
  return packages;
}

/** Number of packages on the longest chain. */
export function depthOf(packages: BenchPackage[]): number {
  const depths = new Map<string, number>();
  for (const { name, dependencies } of packages) {
    depths.set(name, 1 + Math.max(0, ...dependencies.map((d) => depths.get(d) ?? 0)));
  }
  return Math.max(0, ...depths.values());
}

/** A number that depends on nothing but the text: the graph has to be the same on every machine. */
function number(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE(0);
}
