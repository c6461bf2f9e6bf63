import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startOciRegistry, type OciRegistry } from '../registry/local/oci/index.ts';
import type { ServiceStage } from '../service/types.ts';
import { describeWithHosts, openLab, type Lab, type LabHost } from '../testing/lab/index.ts';
import { deploy, type DeployOptions } from './deploy.ts';
import { listReleases } from './releases.ts';
import { rollbackServices } from './rollback.ts';
import { Deployer, SERVE, smallService } from './testing/small-service.ts';
import { stageOf } from './testing/world.ts';
import type { DeployableArtifact } from './types.ts';

const COMPOSE = `
services:
  web:
    image: built-here
    build: .
    ports: ['8080:8080']
    environment: { GREETING: '\${GREETING}', TOKEN: '\${TOKEN:?}' }
    volumes: ['kept:/kept']
volumes: { kept: }
`;

const artifact = (registry: OciRegistry, version: string, serve = SERVE) =>
  smallService(registry, {
    version,
    serve,
    compose: COMPOSE,
    config: { volumes: ['kept'], environment: { GREETING: 'it\'s $(evil) "quoted"' }, secrets: ['TOKEN'] },
  });

describeWithHosts('a deployment on real hosts', () => {
  let lab: Lab;
  let machines: LabHost[];
  let folder: string;
  let registry: OciRegistry;
  let stage: ServiceStage;
  let good: DeployableArtifact[];
  let deployer: Deployer;

  beforeAll(async () => {
    lab = await openLab();
    folder = await mkdtemp(join(tmpdir(), 'sluice-deploy-'));
    registry = await startOciRegistry({ folder });
    machines = await Promise.all([lab.host(), lab.host()]);
    stage = stageOf(
      machines.map(({ target }) => target),
      { bakeMs: 1_000, sshConfig: lab.sshConfig, insecure: true, leaseSeconds: 20 },
    );
    deployer = new Deployer({ lab, registry, stage, env: { TOKEN: 'secret-of-the-test' } });
    good = [await artifact(registry, 'one'), await artifact(registry, 'two')];
  });
  afterAll(async () => {
    await lab?.close();
    await registry?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const run = async (one: DeployableArtifact, more: Partial<DeployOptions> = {}) => {
    deployer.wanted = one;
    const lines: string[] = [];
    const { results } = await deploy(deployer.context(), {
      stage,
      requests: [{ project: 'web', name: '@acme/web' }],
      onLine: (host, phase, line) => void lines.push(`${host} ${phase} | ${line}`),
      ...more,
    });
    const [result] = results;
    if (!result) throw new Error('there is no result');
    return { ...result, lines };
  };
  const pages = () =>
    Promise.all(machines.map(async (machine) => (await (await fetch(machine.url(80))).text()).trim()));
  const leftovers = async () =>
    Promise.all(
      machines.map(async (machine) => {
        const containers = await machine.engine(
          'ps',
          '-a',
          '--filter',
          'label=com.sluice.service=web',
          '--format',
          '{{.Names}}',
        );
        const { stdout } = await machine.ssh('ls -d .sluice/web/staging/lock 2>/dev/null || true');
        return { containers: containers.split('\n').filter(Boolean).length, lock: stdout.trim() };
      }),
    );

  it('goes up, is put back where it fails, and goes back where a person says so', async () => {
    const first = await run(good[0] as DeployableArtifact);
    expect(first.line).toMatch(/serves on 2 hosts/);
    expect(await pages()).toEqual(['one', 'one']);

    const second = await run(good[1] as DeployableArtifact);
    expect(second.line).toMatch(/serves on 2 hosts/);
    expect(await pages()).toEqual(['two', 'two']);
    const own = (second.timings ?? []).filter(({ row }) => !/^(pull|migrate|health|backup|bake)/.test(row));
    // Three seconds where nothing else runs; `bench` measures that.
    expect(own.reduce((sum, { ms }) => sum + ms, 0)).toBeLessThan(30_000);
    expect(deployer.opened.map(({ executions }) => executions)).toEqual([1, 1, 1, 1]);
    expect(await leftovers()).toEqual([
      { containers: 1, lock: '' },
      { containers: 1, lock: '' },
    ]);
    const third = await run(good[1] as DeployableArtifact, { dryRun: true });
    expect(third.status).toBe('nothing');

    const broken = await artifact(registry, 'broken', SERVE.replace('echo ok', 'echo sick'));
    const failed = await run(broken);
    expect(failed).toMatchObject({ success: false, outcome: 'restored', error: { code: 'PROBE_FAILED' } });
    expect(await pages()).toEqual(['two', 'two']);
    expect(deployer.records.at(-1)).toMatchObject({ type: 'deploy-failed', outcome: 'restored' });

    const report = await listReleases(deployer.context(), stage, 'web');
    expect(report.drift).toEqual([]);
    expect(report.hosts[0]?.releases.map(({ state }) => state)).toEqual(['stopped', 'serving', 'failed']);

    const { results } = await rollbackServices(deployer.context(), {
      stage,
      requests: [{ project: 'web', name: '@acme/web' }],
    });
    expect(results[0]?.line).toMatch(/went back from .* to /);
    expect(await pages()).toEqual(['one', 'one']);
    expect(await leftovers()).toEqual([
      { containers: 1, lock: '' },
      { containers: 1, lock: '' },
    ]);
  });
});
