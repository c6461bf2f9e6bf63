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
  const began = performance.now();
  const { end, points } = await undisturbed(scene, 'before');
  expect(end).toMatchObject({ findings: [], status: '' });
  const candidates = points.filter((point) => only(point.kind));
  const chosen = everything ? candidates : sample(candidates, seed);
  const wrong: Record<string, unknown> = {};
  for (const point of chosen) {
    try {
      expect(await crashAt(scene, 'before', point)).toEqual(end);
    } catch (error) {
      wrong[name(point)] = (error as Error).message;
    }
  }
  console.log(
    `${scene.command.command}: ${chosen.length} of ${points.length} points in ${Math.round(performance.now() - began)} ms`,
  );
  expect(wrong).toEqual({});
  return [...new Set(chosen.map((point) => point.kind))];
}

describe(
  'killed with SIGKILL, and run again, it ends as if nothing had happened',
  { concurrent: true, timeout: everything ? 3_600_000 : 300_000 },
  () => {
    it('publish, promote and rollback, at every request and every change of the ledger', async () => {
      await keepStorage(local, 'before');
      const publishing = await expectSameEnd({
        base: local,
        stage: 'github',
        command: { command: 'publish' },
        again: (flow) => flow.publish(),
      });
      await local.publish();
      await keepStorage(local, 'before');
      const promoting = await expectSameEnd(promotion(local));
      await local.promote('test');
      await keepStorage(local, 'before');
      const rollingBack = await expectSameEnd(rollingBackThree(local));

      const everywhere = ['GET packument', 'PUT packument', 'git fast-import (1)', 'git update-ref (1)'];
      const readBack = ['GET packument (2)', 'GET tarball'];
      expect(publishing).toEqual(expect.arrayContaining([...everywhere, ...readBack]));
      expect(promoting).toEqual(expect.arrayContaining([...everywhere, ...readBack, 'PUT tag']));
      expect(rollingBack).toEqual(expect.arrayContaining([...everywhere, 'PUT tag']));
    });

    it('promote in the live profile, around the ledger and its remote', async () => {
      await live.publish();
      await keepStorage(live, 'before');
      const kinds = await expectSameEnd(promotion(live), (kind) => kind.startsWith('git'));
      expect(kinds).toEqual(
        expect.arrayContaining([
          'git fetch (1)',
          'git fast-import (1)',
          'git push (1)',
          'git update-ref (1)',
        ]),
      );
    });
  },
);

const promotion = (base: Flow): Scene => ({
  base,
  stage: 'test',
  command: { command: 'promote', options: { stage: 'test' } },
  again: (flow) => flow.promote('test'),
});

const rollingBackThree = (base: Flow): Scene => ({
  base,
  stage: 'test',
  command: { command: 'rollback', options: { stage: 'test' }, projects: ['units', 'money', 'tax'] },
  again: (flow) =>
    flow.with((context) => rollback(context, { stage: 'test', packages: ['units', 'money', 'tax'] })),
});
