import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWithHosts } from '../../testing/lab/index.ts';
import { Scene } from './scene.ts';

describeWithHosts('a deployment to three hosts of which the second fails', () => {
  let scene: Scene;

  beforeAll(async () => {
    scene = await Scene.open(3, { parallel: 1 });
    await scene.begin();
  });
  afterAll(() => scene?.close());

  const pages = () => Promise.all(scene.hosts.map((host) => scene.page('/', host)));
  const worlds = () => Promise.all(scene.hosts.map((host) => scene.quiet(host)));

  it('puts all three back, and goes up on all three when nothing fails', async () => {
    const before = await worlds();
    expect(await pages()).toEqual(['1', '1', '1']);
    const { number, digest } = await scene.ship();
    const deploying = scene.start({ stopAt: 'health (wave 2)' });
    await deploying.stopped();
    // The first one has it already.
    expect(await pages()).toEqual([String(number), '1', '1']);
    const release = `$(basename /home/deploy/.sluice/web/staging/releases/*-${digest.slice(7, 19)})`;
    await scene.hosts[1]?.exec(`docker rm -f $(docker ps -q --filter "label=com.sluice.release=${release}")`);
    deploying.go();
    const { code, progress, output } = await deploying.ended;
    expect(code, `${progress}\n${output}`).toBe(1);
    expect(output).toContain('CONTAINER_UNHEALTHY');
    expect(output).toContain('serves on all 3 hosts again');
    expect(await worlds()).toEqual(before);
    expect(await pages()).toEqual(['1', '1', '1']);
    expect((await scene.whenQuiet()).notes).toBe(scene.wanted('', 1).notes);
    expect((await scene.deployments()).at(-1)).toMatchObject({ type: 'deploy-failed', outcome: 'restored' });

    const again = await scene.deploy();
    expect(again.code, `${again.progress}\n${again.output}`).toBe(0);
    expect(await pages()).toEqual(['2', '2', '2']);
    const after = await worlds();
    expect(after.flatMap(({ leftovers }) => leftovers)).toEqual([]);
    expect(after.map(({ containers }) => containers.length)).toEqual([3, 3, 3]);
  });
});
