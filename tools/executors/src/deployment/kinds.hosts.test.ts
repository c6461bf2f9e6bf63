import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startOciRegistry, type OciRegistry } from '../registry/local/oci/index.ts';
import { describeWithHosts, openLab, type Lab } from '../testing/lab/index.ts';
import { deploy } from './deploy.ts';
import { rollbackServices } from './rollback.ts';
import { Deployer, SERVE, smallService } from './testing/small-service.ts';
import { stageOf } from './testing/world.ts';
import type { DeployableArtifact } from './types.ts';

const subject = { project: 'web', name: '@acme/web' };
const COMPOSE =
  "services: { web: { image: built-here, build: ., ports: ['8080:8080'], volumes: ['kept:/kept'] } }\nvolumes: { kept: }";
const data = { compose: COMPOSE, config: { volumes: ['kept'] } };

describeWithHosts('hosts of other kinds', () => {
  let lab: Lab;
  let folder: string;
  let local: OciRegistry;
  let near: Versions;
  let far: Versions;

  /** Three releases, the last of which is never well. */
  const versions = async (registry: Pick<OciRegistry, 'host'>) => {
    const one = await smallService(registry, { version: 'one', ...data });
    const two = await smallService(registry, { version: 'two', ...data });
    const web = { ...one.bundle.config.http['web']!, healthWithin: '5s' };
    const serve = SERVE.replace('echo ok', 'echo sick');
    const config = { ...data.config, http: { web } };
    const broken = await smallService(registry, { version: 'broken', serve, ...data, config });
    return { one, two, broken };
  };
  type Versions = Awaited<ReturnType<typeof versions>>;

  beforeAll(async () => {
    lab = await openLab();
    folder = await mkdtemp(join(tmpdir(), 'sluice-kinds-'));
    local = await startOciRegistry({ folder });
    near = await versions(local);
    far = await versions({ host: (await lab.registry()).fromHosts });
  });
  afterAll(async () => {
    await lab?.close();
    await local?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const deployerOn = async (wanted: Parameters<Lab['host']>[0]) => {
    const machine = await lab.host(wanted);
    const stage = stageOf([machine.target], {
      bakeMs: 1_000,
      sshConfig: lab.sshConfig,
      insecure: true,
      ports: { http: 8080, https: 8443 },
    });
    const deployer = new Deployer({ lab, registry: local, stage });
    const run = async (artifact: DeployableArtifact) => {
      deployer.wanted = artifact;
      const lines: string[] = [];
      const { results } = await deploy(deployer.context(), {
        stage,
        requests: [subject],
        onLine: (host, phase, line) => void lines.push(`${host} ${phase} | ${line}`),
      });
      return { ...results[0], lines: lines.join('\n') };
    };
    return { machine, stage, deployer, run };
  };

  it.each([
    { what: 'an engine that takes sudo', kind: 'docker', user: 'deploy', access: 'sudo', compose: 'v1' },
    { what: 'the Compose plugin, as root', kind: 'docker', user: 'root', compose: 'v2' },
    { what: 'rootless Docker', kind: 'rootless', user: 'deploy' },
    { what: 'rootless Podman', kind: 'podman', user: 'deploy' },
    { what: 'Podman, as root', kind: 'podman', user: 'root' },
  ] as const)('deploys to $what, puts back what fails, and goes back', async ({ what: _, ...wanted }) => {
    const { machine, stage, deployer, run } = await deployerOn(wanted);
    const { one, two, broken } = wanted.kind === 'rootless' ? far : near;
    const page = async () => (await (await fetch(machine.url(8080))).text()).trim();
    try {
      for (const [artifact, shows] of [
        [one, 'one'],
        [two, 'two'],
      ] as const) {
        const done = await run(artifact);
        expect(done, `${done.line}\n${done.lines}`).toMatchObject({ success: true });
        expect(await page()).toBe(shows);
      }
      const failed = { success: false, outcome: 'restored', error: { code: 'PROBE_FAILED' } };
      const back = await run(broken);
      expect(back, `${back.line}\n${back.lines}`).toMatchObject(failed);
      expect(await page()).toBe('two');
      const { results } = await rollbackServices(deployer.context(), { stage, requests: [subject] });
      expect(results[0]).toMatchObject({ success: true });
      expect(await page()).toBe('one');
      expect((await machine.ssh('ls -d .sluice/web/staging/lock 2>/dev/null || true')).stdout).toBe('');
      const recorded = ['deployed', 'deployed', 'deploy-failed', 'returned', 'held'];
      expect(deployer.records.map(({ type }) => type)).toEqual(recorded);
    } finally {
      await machine.dispose();
    }
  });

  it('says why a rootless engine cannot pull through the ssh connection', async () => {
    const { machine, run } = await deployerOn({ kind: 'rootless', user: 'deploy' });
    try {
      const refused = await run(near.one);
      expect(refused, `${refused.line}\n${refused.lines}`).toMatchObject({
        success: false,
        error: { code: 'PULL_FAILED' },
      });
      expect(refused.line).toContain('needs an image registry that the host reaches by itself');
      expect((await machine.ssh('docker ps -aq --filter label=com.sluice.service=web')).stdout).toBe('');
    } finally {
      await machine.dispose();
    }
  });
});
