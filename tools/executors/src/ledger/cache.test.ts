import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readSnapshot, writeSnapshot } from './cache.ts';
import { Fold } from './fold.ts';
import { Rows } from './rows.ts';
import type { Promoted } from './types.ts';

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'sluice-snapshot-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

const promoted = (version: string, approvals: string[]): Promoted => ({
  type: 'promoted',
  at: '2026-01-01T00:00:00.000Z',
  pipeline: 'packages',
  repository: 'r',
  stage: 'tést',
  registry: 'x',
  by: 'unsigned',
  run: '1',
  project: 'money',
  name: 'money',
  version,
  integrity: `sha512-${version}`,
  from: 'github',
  tag: 'latest',
  verified: 'bytes',
  planHash: 'h',
  policy: 'p',
  approvals,
  gate: [],
});

it('brings back what was packed, and what came after that', async () => {
  const rows = new Rows();
  rows.add([promoted('1.0.0', ['n1']), promoted('1.1.0', ['n1', 'n2'])], {
    path: 'p1',
    blob: 'b1',
    commit: 'c1',
  });
  const file = join(folder, 'new', 'snapshot');
  const problems = [{ commit: 'c0', problem: 'a merge' }];
  await writeSnapshot(file, { head: 'c1', problems, rows: rows.pack() });

  const first = await readSnapshot(file);
  if (!first) throw new Error('no snapshot');
  expect([first.head, first.problems]).toEqual(['c1', problems]);
  const again = new Rows(first.rows);
  again.add([promoted('1.2.0', ['n2'])], { path: 'p2', blob: 'b2', commit: 'c2' });
  await writeSnapshot(file, { head: 'c2', problems: [], rows: again.pack() });

  const second = await readSnapshot(file);
  const whole = new Rows(second?.rows);
  const state = new Fold(whole).view('c2');
  expect(state.history('tést', 'money').map(({ record, batch }) => [record, batch])).toEqual([
    [promoted('1.0.0', ['n1']), 'p1'],
    [promoted('1.1.0', ['n1', 'n2']), 'p1'],
    [promoted('1.2.0', ['n2']), 'p2'],
  ]);
  expect([...state.spent('n1')]).toEqual(['money@1.0.0', 'money@1.1.0']);
  expect([...state.spent('n2')]).toEqual(['money@1.1.0', 'money@1.2.0']);
  expect(whole.place('p1')).toEqual({ path: 'p1', blob: 'b1', commit: 'c1' });
  expect(await readdir(join(folder, 'new'))).toEqual(['snapshot']);
});

it('has nothing where the file is missing, and writes nothing where it cannot', async () => {
  expect(await readSnapshot(join(folder, 'none'))).toBeUndefined();
  await writeFile(join(folder, 'taken'), '');
  const below = join(folder, 'taken', 'snapshot');
  await writeSnapshot(below, { head: 'c', problems: [], rows: new Rows().pack() });
  expect(await readSnapshot(below)).toBeUndefined();
});
