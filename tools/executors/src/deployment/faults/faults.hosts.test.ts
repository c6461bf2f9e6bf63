import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { describeWithHosts } from '../../testing/lab/index.ts';
import { deployBroken } from './break.ts';
import { matrix, mayServe, nameOf, sample, untruths } from './matrix.ts';
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
    await scene.note(`before: ${name}`);
    const old = scene.serving;
    const { current } = await scene.world();
    const records = await scene.deployments();
    const version = one.own && 'version' in one.own ? one.own : undefined;
    const next = await scene.ship(version ? { mode: version.version, after: version.after ?? 0 } : {});

    const { code, progress, output } = await deployBroken(scene, one);
    const text = `${progress}\n${output}`;
    const seen = await scene.whenQuiet();
    const serves = seen.world.current === current ? 'old' : 'new';
    expect(seen, text).toEqual(
      serves === 'old' ? scene.wanted(current, old) : scene.wanted(seen.world.current, next.number),
    );
    expect(mayServe(one), text).toContain(serves);
    const written = (await scene.deployments()).slice(records.length);
    expect(untruths(one, serves, { code, text, records: written }), text).toEqual([]);

    // And with nothing in its way it goes on.
    scene.serving = version ? (await scene.ship()).number : next.number;
    const again = await scene.deploy();
    expect(again.code, `${again.progress}\n${again.output}`).toBe(0);
    const after = await scene.whenQuiet();
    expect(after).toEqual(scene.wanted(after.world.current, scene.serving));
    expect((await scene.deployments()).at(-1)).toMatchObject({
      type: 'deployed',
      release: after.world.current,
    });
    intact = true;
  });
});
