import { expect, it } from 'vitest';
import { memoryBudget } from './budget.ts';

it('hands out room first come, first served, and takes it back once', async () => {
  const hold = memoryBudget(100, 80);
  const log: string[] = [];
  const first = await hold(60);
  const second = hold(500).then((release) => (log.push('second'), release));
  const third = hold(10).then((release) => (log.push('third'), release));
  await new Promise((resolve) => setImmediate(resolve));
  expect(log).toEqual([]);
  first();
  first();
  const release = await second;
  await third;
  expect(log).toEqual(['second', 'third']);
  const fourth = hold(20).then(() => log.push('fourth'));
  await new Promise((resolve) => setImmediate(resolve));
  expect(log).toHaveLength(2);
  release();
  await fourth;
});
