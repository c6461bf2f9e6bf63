import { expect, test } from 'vitest';
import { DEPTH, depthOf, packageGraph } from './graph.ts';

test.each([20, 100, 300])('a graph of %i packages has depth six, dependencies first', (count) => {
  const packages = packageGraph(count);
  expect(packages).toHaveLength(count);
  expect(depthOf(packages)).toBe(DEPTH);
  const seen = new Set<string>();
  for (const { name, dependencies } of packages) {
    expect(dependencies.filter((d) => !seen.has(d))).toEqual([]);
    expect(new Set(dependencies).size).toBe(dependencies.length);
    seen.add(name);
  }
  expect(packageGraph(count)).toEqual(packages);
});

test('a single package needs no other', () => {
  expect(packageGraph(1)).toEqual([
    { name: '@bench/p001', folder: 'packages/p001', version: '1.0.0', dependencies: [] },
  ]);
});
