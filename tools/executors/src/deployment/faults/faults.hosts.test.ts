import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { describeWithHosts } from '../../testing/lab/index.ts';
import { deployBroken } from './break.ts';
import { matrix, nameOf, sample, serves, type Case } from './matrix.ts';
import { Scene } from './scene.ts';

const everything = process.env['SLUICE_FAULTS'] === 'all';
const only = process.env['SLUICE_FAULTS_ONLY'];
const seed = Number(process.env['SLUICE_FAULTS_SEED'] ?? Date.now() % 1_000_000);
const cases = matrix();
const chosen = only
  ? cases.filter((one) => new RegExp(only).test(nameOf(one)))
  : everything
    ? cases
    : sample(cases, seed);

describeWithHosts('a deployment in which something fails', () => {
  let scene: Scene;
  let intact = false;

  beforeAll(async () => {
    console.log(
      everything
        ? 'fault matrix: every fault at every step'
        : `fault matrix: ${chosen.length} of ${cases.length}, SLUICE_FAULTS_SEED=${seed} repeats them, SLUICE_FAULTS=all takes all`,
    );
    scene = await Scene.open();
  });
  afterAll(() => scene?.close());
  beforeEach(async () => {
    if (!intact) await scene.begin();
    intact = false;
  });

  it.each(chosen.map((one) => [nameOf(one), one] as const))('%s', async (name, one) => {
    const { leader } = scene;
    await scene.note(`before: ${name}`);
    const old = scene.serving;
    const { current } = await scene.world();
    const records = await scene.deployments();
    const own = one.own && 'version' in one.own ? one.own : undefined;
    const next = await scene.ship(own ? { mode: own.version, after: own.after ?? 0 } : {});

    const ended = await deployBroken(scene, one);
    const world = await scene.quiet();
    const told = `${ended.progress}\n${ended.output}`;
    const isNew = world.current !== current;
    const release = isNew ? world.current : current;
    const expected = serves(one);
    if (expected !== 'either') expect(isNew ? 'new' : 'old', told).toBe(expected);
    if (isNew) expect(world.current).toContain(next.digest.slice(7, 19));
    expect(world, told).toEqual({
      current: release,
      containers: [
        `${release.toLowerCase()}-web ${release} running`,
        'db - running',
        'sluice-proxy - running',
      ],
      leftovers: [],
    });
    expect(await scene.page()).toBe(String(isNew ? next.number : old));
    expect(await scene.page('/notes')).toBe(scene.notes);
    expect(await scene.page('/kept')).toBe('kept\n');
    expectTruth(one, ended.code, told, (await scene.deployments()).slice(records.length), isNew);

    // And with nothing in its way it goes on.
    scene.serving = next.number;
    if (own) scene.serving = (await scene.ship()).number;
    const again = await scene.deploy();
    expect(again.code, `${again.progress}\n${again.output}`).toBe(0);
    expect(await scene.page()).toBe(String(scene.serving));
    expect(await scene.page('/notes')).toBe(scene.notes);
    const after = await scene.quiet();
    expect(after.leftovers).toEqual([]);
    expect(after.containers).toHaveLength(3);
    expect((await scene.deployments()).at(-1)).toMatchObject({ type: 'deployed', release: after.current });
    expect(await leader.exec(`cat /home/deploy/.sluice/web/staging/releases/${after.current}/state`)).toBe(
      'serving',
    );
    intact = true;
  });

  /** The exit code and the ledger say what is true on the host. */
  function expectTruth(one: Case, code: number | null, told: string, written: unknown[], isNew: boolean) {
    if (one.fault === 'killed') {
      expect(code).toBe(null);
      return;
    }
    const code_ = one.own?.code;
    if (code_) expect(told).toContain(code_);
    const unsaid = one.own && 'ledger' in one.own;
    expect(code === 0, told).toBe(isNew && !unsaid);
    if (isNew) {
      expect(written).toEqual(unsaid ? [] : [expect.objectContaining({ type: 'deployed' })]);
      return;
    }
    // Of what ended before anything was begun there is nothing to write down.
    for (const record of written) {
      expect(record).toMatchObject({ type: 'deploy-failed' });
      const { outcome } = record as { outcome: string };
      // Who could not see the end does not claim to have seen it.
      const blind = ['cut off', 'engine stopped'].includes(one.fault);
      expect([...(blind ? ['broken'] : []), 'restored', 'unchanged'], told).toContain(outcome);
    }
  }
});
