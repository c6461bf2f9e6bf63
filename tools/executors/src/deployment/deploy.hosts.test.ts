import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { openHost, releaseFiles, type Host } from '../host/index.ts';
import type { LedgerState, RecordBody } from '../ledger/types.ts';
import { startOciRegistry, type OciRegistry } from '../registry/local/oci/index.ts';
import type { ServiceBundle, ServiceStage } from '../service/types.ts';
import { describeWithHosts, IMAGES, openLab, type Lab, type LabHost } from '../testing/lab/index.ts';
import { deploy, type DeployOptions } from './deploy.ts';
import { listReleases } from './releases.ts';
import { rollbackServices } from './rollback.ts';
import { stageOf } from './testing/world.ts';
import type { DeployableArtifact, DeploymentContext } from './types.ts';

const exec = promisify(execFile);
const docker = async (...args: string[]) => (await exec('docker', args)).stdout.trim();

const SERVE =
  'mkdir -p /site && echo "$VERSION" >/site/index.html && echo ok >/site/healthz && exec caddy file-server --root /site --listen :8080';
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

/** Pushes an image that serves its version, and says what may be deployed of it. */
async function artifact(registry: OciRegistry, version: string, serve = SERVE): Promise<DeployableArtifact> {
  const tag = `${registry.host}/acme/web:${version}`;
  const dockerfile = `FROM ${IMAGES.caddy}\nENV VERSION=${version}\nCMD ["/bin/sh", "-c", ${JSON.stringify(serve)}]\n`;
  const build = execFile('docker', ['build', '-q', '-t', tag, '-']);
  build.stdin?.end(dockerfile);
  await new Promise((resolve, reject) =>
    build.once('exit', (code) => (code === 0 ? resolve(code) : reject(new Error(`${code}`)))),
  );
  await docker('push', '-q', tag);
  const digests = JSON.parse(
    await docker('image', 'inspect', '--format', '{{json .RepoDigests}}', tag),
  ) as string[];
  const reference = digests.find((one) => one.startsWith(`${registry.host}/acme/web@`)) ?? '';
  const digest = reference.split('@')[1] ?? '';
  await docker('image', 'rm', tag);
  const bundle: ServiceBundle = {
    schemaVersion: 1,
    project: 'web',
    compose: COMPOSE,
    images: { web: digest },
    migrations: [],
    config: {
      compose: 'compose.yaml',
      http: {
        web: {
          port: 8080,
          health: { path: '/healthz', status: 200, body: 'ok' },
          healthWithin: '10s',
          drain: '2s',
          path: '/',
        },
      },
      databases: [],
      volumes: ['kept'],
      environment: { GREETING: 'it\'s $(evil) "quoted"' },
      secrets: ['TOKEN'],
      stages: {},
    },
  };
  return {
    project: 'web',
    name: '@acme/web',
    version: `sha-${digest.slice(7, 19)}`,
    digest,
    images: { web: reference },
    bundle,
    size: 1_000_000,
  };
}

describeWithHosts('a deployment on real hosts', () => {
  let lab: Lab;
  let machines: LabHost[];
  let folder: string;
  let registry: OciRegistry;
  let stage: ServiceStage;
  let good: DeployableArtifact[];
  let wanted: DeployableArtifact;
  const records: RecordBody[] = [];
  let runs = 0;
  const opened: Host[] = [];

  beforeAll(async () => {
    lab = await openLab();
    folder = await mkdtemp(join(tmpdir(), 'sluice-deploy-'));
    registry = await startOciRegistry({ folder });
    machines = await Promise.all([lab.host(), lab.host()]);
    stage = stageOf(
      machines.map(({ target }) => target),
      { bakeMs: 1_000, sshConfig: lab.sshConfig, insecure: true, leaseSeconds: 20 },
    );
    good = [await artifact(registry, 'one'), await artifact(registry, 'two')];
  });
  afterAll(async () => {
    await lab?.close();
    await registry?.close();
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(() => void (records.length = 0));

  const context = (): DeploymentContext => {
    runs += 1;
    const run = `run-${process.pid}-${runs}`;
    return {
      env: { TOKEN: 'secret-of-the-test' },
      run,
      owner: "rita's laptop",
      source: { artifact: async () => wanted, hold: async () => undefined },
      records: {
        ready: async () => undefined,
        write: async (make) =>
          void records.push(...make({ hold: () => undefined } as unknown as LedgerState)),
      },
      render: releaseFiles,
      openHost: async (_, name, service) => {
        const host = await openHost({
          name,
          service,
          environment: stage.name,
          run,
          root: stage.folder,
          sshConfig: lab.sshConfig,
          forwards: [Number(registry.host.split(':')[1])],
        });
        opened.push(host);
        return host;
      },
      targets: { 'deploy-vps': 'deploy-vps', promote: 'promote', rollback: 'rollback', releases: 'releases' },
    };
  };
  const run = async (one: DeployableArtifact, more: Partial<DeployOptions> = {}) => {
    wanted = one;
    const lines: string[] = [];
    const { results } = await deploy(context(), {
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
    expect(opened.map(({ executions }) => executions)).toEqual([1, 1, 1, 1]);
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
    expect(records.at(-1)).toMatchObject({ type: 'deploy-failed', outcome: 'restored' });

    const report = await listReleases(context(), stage, 'web');
    expect(report.drift).toEqual([]);
    expect(report.hosts[0]?.releases.map(({ state }) => state)).toEqual(['stopped', 'serving', 'failed']);

    const { results } = await rollbackServices(context(), {
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
