import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openLocalHost } from './testing/local-host.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'host-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

it('runs a phase', async () => {
  const host = await openLocalHost({ root });
  const result = await host.run('truth');
  expect(result.facts).toEqual([
    { key: 'current', value: '' },
    { key: 'previous', value: '' },
  ]);
  expect(result.log).toEqual([]);
  await host.close();
});
