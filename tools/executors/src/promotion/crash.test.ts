import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { crashAt, describe as name, keepStorage, sample, undisturbed, type Scene } from './testing/crash.ts';
import { Flow } from './testing/flow.ts';
import { PACKAGES } from './testing/packages.ts';
import { rollback } from './rollback.ts';

const everything = process.env['SLUICE_FAULTS'] === 'all';
const seed = Number(process.env['SLUICE_SEED'] ?? Date.now() % 1_000_000);
const system = process.env['TMPDIR'];
let temporary: string;
let local: Flow;
let live: Flow;

/** Everything is at 1.0.0 in the first two stages, and 1.1.0 is built. */
async function pipeline(isLive: boolean): Promise<Flow> {
  const flow = await Flow.start({ packages: PACKAGES, live: isLive });
  await flow.build();
  await flow.publish();
  await flow.promote('test');
  await flow.release('1.1.0');
  if (isLive) flow.push();
  await flow.build();
  return flow;
}

beforeAll(async () => {
  console.log(
    everything
      ? 'crash matrix: every point'
      : `crash matrix: a sample, SLUICE_SEED=${seed} repeats it, SLUICE_FAULTS=all takes every point`,
  );
  temporary = await mkdtemp(join(tmpdir(), 'sluice-crash-'));
  process.env['TMPDIR'] = temporary;
  [local, live] = await Promise.all([pipeline(false), pipeline(true)]);
});
afterAll(async () => {
  await Promise.all([local?.close(), live?.close()]);
  const left = await readdir(temporary);
  await rm(temporary, { recursive: true, force: true });
  if (system === undefined) delete process.env['TMPDIR'];
  else process.env['TMPDIR'] = system;
  // Killed processes have a folder of their own; what is here is of the runs that came after them.
  expect(left.filter((file) => file.startsWith('sluice-'))).toEqual([]);
});

/** Kills the command at each point in turn, and expects the end of the undisturbed run from the run after it. */
async function expectSameEnd(scene: Scene, only: (kind: string) => boolean = () => true): Promise<string[]> {
  const { end, points } = await undisturbed(scene, 'before');
  expect(end).toMatchObject({ findings: [], status: '' });
  const chosen = sample(
    points.filter((point) => only(point.kind)),
    everything ? Infinity : 1,
    seed,
  );
  const wrong: Record<string, unknown> = {};
  for (const point of chosen) {
    try {
      expect(await crashAt(scene, 'before', point)).toEqual(end);
    } catch (error) {
      wrong[name(point)] = (error as Error).message;
    }
  }
  expect(wrong).toEqual({});
  return [...new Set(chosen.map((point) => point.kind))];
}

describe('killed with SIGKILL, and run again: the end is that of a run that nothing disturbed', () => {
  it('publish', async () => {
    await keepStorage(local, 'before');
    const kinds = await expectSameEnd({
      base: local,
      stage: 'github',
      command: { command: 'publish' },
      again: (flow) => flow.publish(),
    });
    expect(kinds).toEqual(expect.arrayContaining(['PUT packument', 'GET tarball', 'git update-ref (1)']));
  });

  it('promote', async () => {
    await local.publish();
    await keepStorage(local, 'before');
    const kinds = await expectSameEnd(promotion(local));
    expect(kinds).toEqual(expect.arrayContaining(['PUT packument', 'GET tarball', 'PUT tag']));
  });

  it('promote, around the ledger of the live profile', async () => {
    await live.publish();
    await keepStorage(live, 'before');
    const kinds = await expectSameEnd(promotion(live), (kind) => kind.startsWith('git'));
    expect(kinds).toEqual(expect.arrayContaining(['git fast-import (1)', 'git push (1)', 'git fetch (1)']));
  });

  it('rollback', async () => {
    await local.promote('test');
    await keepStorage(local, 'before');
    const packages = ['@acme/units', '@acme/money', '@acme/tax'];
    const kinds = await expectSameEnd({
      base: local,
      stage: 'test',
      command: { command: 'rollback', options: { stage: 'test' }, projects: ['units', 'money', 'tax'] },
      again: (flow) => flow.with((context) => rollback(context, { stage: 'test', packages })),
    });
    expect(kinds).toEqual(expect.arrayContaining(['PUT tag', 'PUT packument']));
  });
});

const promotion = (base: Flow): Scene => ({
  base,
  stage: 'test',
  command: { command: 'promote', options: { stage: 'test' } },
  again: (flow) => flow.promote('test'),
});
