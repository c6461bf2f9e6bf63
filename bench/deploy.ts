/**
 * Deployments: `node bench/deploy.ts [--rounds=5] [--rate=200] [--requests=20000]`. Requests go through the proxy of one real host (a container
 * with an sshd and an engine of its own, see tools/executors/src/testing/lab) at a steady rate, while releases are deployed, put back
 * because they turn sick, and rolled back, until enough were sent. None may fail. A deployment's own time is that of its rows without pull,
 * migration, backup, health and bake, which belong to the service.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { runLoad } from '../tools/executors/src/deployment/smoke/index.ts';
import { deploy, rollbackServices } from '../tools/executors/src/deployment/index.ts';
import { stageOf } from '../tools/executors/src/deployment/testing/world.ts';
import type { DeployableArtifact, DeploymentContext } from '../tools/executors/src/deployment/types.ts';
import { openHost, releaseFiles, type Host } from '../tools/executors/src/host/index.ts';
import type { LedgerState } from '../tools/executors/src/ledger/types.ts';
import { startOciRegistry, type OciRegistry } from '../tools/executors/src/registry/local/oci/index.ts';
import type { ServiceBundle } from '../tools/executors/src/service/types.ts';
import { IMAGES, openLab } from '../tools/executors/src/testing/lab/index.ts';
import { seconds, table } from './report.ts';
import { median } from './results.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    rate: { type: 'string', default: '200' },
    requests: { type: 'string', default: '20000' },
  },
});
const [rounds, rate, requests] = [values.rounds, values.rate, values.requests].map(Number) as [
  number,
  number,
  number,
];
/** No round after this many, however slowly requests add up. */
const MOST_ROUNDS = 40;

const COMPOSE = "services: { web: { image: built-here, build: ., ports: ['8080:8080'] } }";
const HEALTHY =
  'mkdir -p /site && echo "$VERSION" >/site/index.html && echo ok >/site/healthz && exec caddy file-server --root /site --listen :8080';
const SICK = HEALTHY.replace('exec caddy', '(sleep 4; rm /site/healthz) & exec caddy');
const NOT_ITS_OWN = /^(pull|migrate|health|backup|bake)/;

const say = (line: string): void => void process.stderr.write(`${line}\n`);
const exec = promisify(execFile);
const docker = async (...args: string[]): Promise<string> => (await exec('docker', args)).stdout.trim();

/** Pushes an image that serves its version, and says what may be deployed of it. */
async function artifact(registry: OciRegistry, version: string, serve: string): Promise<DeployableArtifact> {
  const name = `${registry.host}/acme/web`;
  const tag = `${name}:${version}`;
  const build = execFile('docker', ['build', '-q', '-t', tag, '-']);
  build.stdin?.end(
    `FROM ${IMAGES.caddy}\nENV VERSION=${version}\nCMD ["/bin/sh", "-c", ${JSON.stringify(serve)}]\n`,
  );
  await new Promise<void>((resolve, reject) =>
    build.once('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`docker build ended with ${code}`)),
    ),
  );
  await docker('push', '-q', tag);
  const digests = JSON.parse(
    await docker('image', 'inspect', '--format', '{{json .RepoDigests}}', tag),
  ) as string[];
  const reference = digests.find((one) => one.startsWith(`${name}@`)) ?? '';
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
          healthWithin: '30s',
          drain: '2s',
          path: '/',
        },
      },
      databases: [],
      volumes: [],
      environment: {},
      secrets: [],
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

const lab = await openLab();
if (!lab.available) throw new Error(`there is no host to deploy to: ${lab.why}`);
const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-deploy-'));
const registry = await startOciRegistry({ folder });
try {
  const machine = await lab.host();
  const stage = stageOf([machine.target], { bakeMs: 6_000, sshConfig: lab.sshConfig, insecure: true });
  const good = [await artifact(registry, 'one', HEALTHY), await artifact(registry, 'two', HEALTHY)];
  const sick = await artifact(registry, 'sick', SICK);
  let wanted = good[0] as DeployableArtifact;
  let runs = 0;
  let host: Host | undefined;
  const context = (): DeploymentContext => {
    const run = `bench-${process.pid}-${(runs += 1)}`;
    return {
      env: {},
      run,
      owner: 'the benchmark',
      source: { artifact: async () => wanted, hold: async () => undefined },
      records: {
        ready: async () => undefined,
        write: async (make) => void make({ hold: () => undefined } as unknown as LedgerState),
      },
      render: releaseFiles,
      openHost: async (_, name, service) =>
        (host = await openHost({
          name,
          service,
          environment: stage.name,
          run,
          root: stage.folder,
          sshConfig: lab.sshConfig,
          forwards: [registry.port],
        })),
      targets: { 'deploy-vps': 'deploy-vps', promote: 'promote', rollback: 'rollback', releases: 'releases' },
    };
  };
  const subject = { project: 'web', name: '@acme/web' };
  const deployed = async (one: DeployableArtifact, success: boolean) => {
    wanted = one;
    const { results } = await deploy(context(), { stage, requests: [{ ...subject, force: true }] });
    const [result] = results;
    if (result?.success !== success) throw new Error(`not as told: ${result?.line}`);
    return result;
  };

  await deployed(good[0] as DeployableArtifact, true);
  const stop = new AbortController();
  const load = runLoad({ url: machine.url(80), rate, signal: stop.signal });
  const began = performance.now();
  const own: number[] = [];
  const back: number[] = [];
  const putBack: number[] = [];
  const executions: number[] = [];
  try {
    for (let round = 0; round < MOST_ROUNDS; round++) {
      if (round >= rounds && ((performance.now() - began) / 1_000) * rate >= requests) break;
      const result = await deployed(good[1] as DeployableArtifact, true);
      executions.push(host?.executions ?? 0);
      own.push(
        (result.timings ?? [])
          .filter(({ row }) => !NOT_ITS_OWN.test(row))
          .reduce((sum, { ms }) => sum + ms, 0),
      );
      const from = performance.now();
      await deployed(sick, false);
      putBack.push(performance.now() - from);
      const since = performance.now();
      const { results } = await rollbackServices(context(), { stage, requests: [subject] });
      if (!results[0]?.success) throw new Error(`not as told: ${results[0]?.line}`);
      back.push(performance.now() - since);
      say(`round ${round + 1}: own ${own.at(-1)?.toFixed(0)} ms, rollback ${back.at(-1)?.toFixed(0)} ms`);
    }
  } finally {
    stop.abort();
  }
  const report = await load;
  const load1 = (loadavg()[0] ?? 0).toFixed(1);
  console.log(
    table(
      ['what', 'found', 'target'],
      [
        ['requests', String(report.sent), `at least ${requests}`],
        ['of these failed', `${report.failed} ${JSON.stringify(report.failures)}`, '0'],
        [
          'latency, median / 99 %',
          `${report.latency.median.toFixed(1)} / ${report.latency.p99.toFixed(0)} ms`,
          '',
        ],
        ['ssh executions for a deployment', String(Math.max(...executions)), 'at most 6'],
        ["a deployment's own time", seconds(median(own)), 'under 3 s'],
        ['a sick release, until the one before serves alone', seconds(median(putBack)), ''],
        ['rollback', seconds(median(back)), 'under 10 s'],
      ],
    ),
  );
  console.log(
    `\n${own.length} rounds of deployment, failed deployment and rollback; load of the machine ${load1}`,
  );
} finally {
  await lab.close();
  await registry.close();
  rmSync(folder, { recursive: true, force: true });
}
