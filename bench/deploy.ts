/**
 * Deployments: `node bench/deploy.ts [--rounds=5] [--rate=200] [--requests=20000]`. Requests go through the proxy of one real host (a container
 * with an sshd and an engine of its own, see tools/executors/src/testing/lab) at a steady rate, while releases are deployed, put back
 * because they turn sick, and rolled back, until enough were sent. None may fail. A deployment's own time is that of its rows without pull,
 * migration, backup, health and bake, which belong to the service.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runLoad } from '../tools/executors/src/deployment/smoke/index.ts';
import { deploy, rollbackServices } from '../tools/executors/src/deployment/index.ts';
import { Deployer, SERVE, smallService } from '../tools/executors/src/deployment/testing/small-service.ts';
import { stageOf } from '../tools/executors/src/deployment/testing/world.ts';
import type { DeployableArtifact } from '../tools/executors/src/deployment/types.ts';
import { startOciRegistry } from '../tools/executors/src/registry/local/oci/index.ts';
import { openLab } from '../tools/executors/src/testing/lab/index.ts';
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

const SICK = SERVE.replace('exec caddy', '(sleep 4; rm /site/healthz) & exec caddy');
const NOT_ITS_OWN = /^(pull|migrate|health|backup|bake)/;

const say = (line: string): void => void process.stderr.write(`${line}\n`);

const lab = await openLab();
if (!lab.available) throw new Error(`there is no host to deploy to: ${lab.why}`);
const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-deploy-'));
const registry = await startOciRegistry({ folder });
try {
  const machine = await lab.host();
  const stage = stageOf([machine.target], { bakeMs: 6_000, sshConfig: lab.sshConfig, insecure: true });
  const one = await smallService(registry, { version: 'one' });
  const two = await smallService(registry, { version: 'two' });
  const sick = await smallService(registry, { version: 'sick', serve: SICK });
  const deployer = new Deployer({ lab, registry, stage });
  const subject = { project: 'web', name: '@acme/web' };
  const deployed = async (one: DeployableArtifact, success: boolean) => {
    deployer.wanted = one;
    const { results } = await deploy(deployer.context(), { stage, requests: [{ ...subject, force: true }] });
    const [result] = results;
    if (result?.success !== success) throw new Error(`not as told: ${result?.line}`);
    return result;
  };

  await deployed(one, true);
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
      const result = await deployed(two, true);
      executions.push(deployer.opened.at(-1)?.executions ?? 0);
      own.push(
        (result.timings ?? [])
          .filter(({ row }) => !NOT_ITS_OWN.test(row))
          .reduce((sum, { ms }) => sum + ms, 0),
      );
      const from = performance.now();
      await deployed(sick, false);
      putBack.push(performance.now() - from);
      const since = performance.now();
      const { results } = await rollbackServices(deployer.context(), { stage, requests: [subject] });
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
