import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runCommand, showCommand, type Command, type Ran, type Run } from '../../artifact/image/command.ts';
import { errors, Secret } from '../../foundation/index.ts';
import { durationMs } from '../../pipeline/index.ts';
import type { DeployableArtifact } from '../types.ts';
import { ownVariables } from '../variables.ts';
import { check } from './checks.ts';
import { smokeFile } from './compose.ts';
import { composeCommand, localEngine, type Engine } from './engine.ts';
import { runLoad, type LoadReport } from './load.ts';

export interface SmokeInput {
  artifact: DeployableArtifact;
  stage: string;
  env: Readonly<Record<string, string | undefined>>;
  /** Where logs of a failed test are kept. */
  logFolder: string;
  signal: AbortSignal;
  onLine: (line: string) => void;
  run?: Run;
}
export interface SmokeReport {
  checks: number;
  load?: LoadReport;
}

/** A fresh database may need this long until its first migration gets through, in milliseconds. */
const DATABASE_PATIENCE = 90_000;
const LOG_LINES = 40;

/** What a smoke test would do, as commands. */
export function planSmoke({ artifact }: Pick<SmokeInput, 'artifact'>): string[] {
  const { config } = artifact.bundle;
  const engine: Engine = { engine: 'docker', compose: ['docker', 'compose'] };
  const compose = (...args: string[]) => showCommand(composeCommand(engine, 'smoke-…', 'compose.yaml', args));
  return [
    ...Object.values(artifact.images).map((image) => `! docker pull ${image}`),
    ...(config.migrations
      ? [compose('run', '--rm', config.migrations.service, ...config.migrations.command)]
      : []),
    compose('up', '-d'),
    ...(config.smoke?.checks ?? []).map(
      ({ service, path, status }) => `$ GET ${service}${path} -> ${status}`,
    ),
    ...(config.smoke?.load
      ? [
          `$ ${config.smoke.load.rate} requests a second for ${config.smoke.load.seconds} s to ${config.smoke.load.path}`,
        ]
      : []),
    compose('down', '-v'),
  ];
}

/**
 * Starts exactly the promoted images on this machine, with a database and volumes of their own, asks what `smoke` in sluice.json asks, and takes
 * everything down again, whatever happened. Secrets that the environment does not hold are made up: nothing here outlives the test.
 * @throws SMOKE_NOT_CONFIGURED, ENGINE_UNAVAILABLE, SMOKE_FAILED (with the containers' last lines, and where all of them were kept)
 */
export async function smoke(input: SmokeInput): Promise<SmokeReport> {
  const { artifact, env, onLine, signal, run = runCommand } = input;
  const { bundle } = artifact;
  const { config, project } = bundle;
  if (!config.smoke) throw errors.SMOKE_NOT_CONFIGURED({ project });
  const engine = await localEngine(run);
  const secrets = config.secrets.map((name) => [
    name,
    new Secret(env[name] || randomBytes(12).toString('hex')).reveal(),
  ]);
  const { text, ports } = smokeFile(bundle, artifact.images, {
    ...config.environment,
    ...config.stages[input.stage]?.environment,
    ...(Object.fromEntries(secrets) as Record<string, string>),
    ...ownVariables({ version: artifact.version, stage: input.stage, release: 'smoke' }),
  });
  const name = `smoke-${project.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}-${randomBytes(4).toString('hex')}`;
  const folder = await mkdtemp(join(tmpdir(), `${name}-`));
  const file = join(folder, 'compose.yaml');
  await writeFile(file, text, { mode: 0o600 });
  const compose = (args: string[], how: { signal?: AbortSignal; show?: boolean } = {}): Promise<Ran> =>
    run(composeCommand(engine, name, file, args), {
      ...(how.signal ? { signal: how.signal } : {}),
      ...(how.show ? { onLine } : {}),
    });
  try {
    for (const image of Object.values(artifact.images)) {
      const pull: Command = { program: engine.engine, args: ['pull', '-q', image], effect: 'write' };
      await must(await run(pull, { signal }), `pull ${image}`);
    }
    if (config.migrations) await migrate(input, compose);
    await must(await compose(['up', '-d'], { signal, show: true }), 'compose up');
    const addresses = new Map<string, string>();
    for (const [service, port] of Object.entries(ports)) {
      const { stdout } = await must(
        await compose(['port', service, String(port)], { signal }),
        'compose port',
      );
      addresses.set(service, `http://${stdout.trim().split('\n').at(-1) ?? ''}`);
    }
    const base = (service: string): string => addresses.get(service) ?? '';
    for (const wanted of config.smoke.checks) {
      await until(within(input, wanted.service), signal, () => check(base(wanted.service), wanted, signal));
      onLine(`${wanted.service}${wanted.path}: ${wanted.status}`);
    }
    const { load } = config.smoke;
    const report = load && (await runLoad({ url: base(load.service) + load.path, ...load, signal }));
    if (report && report.failed > 0)
      throw new Failure(
        `${report.failed} of ${report.sent} requests to ${load?.path} failed: ${reasons(report)}`,
      );
    if (report)
      onLine(`${report.sent} requests, none failed (median ${report.latency.median.toFixed(1)} ms)`);
    signal.throwIfAborted();
    return { checks: config.smoke.checks.length, ...(report ? { load: report } : {}) };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const logs = await keepLogs(input, name, compose);
    throw errors.SMOKE_FAILED({
      project,
      version: artifact.version,
      why: error.message,
      logs: logs.file,
      tail: logs.tail,
    });
  } finally {
    await compose(['down', '-v', '--remove-orphans', '--timeout', '5']);
    await rm(folder, { recursive: true, force: true });
  }
}

/** What the test found, as opposed to what kept it from being made. */
class Failure extends Error {}

async function must(ran: Ran, what: string): Promise<Ran> {
  if (ran.code === 0) return ran;
  throw new Failure(`${what} ended with ${ran.code}: ${ran.stderr.trim().split('\n').slice(-3).join(' | ')}`);
}

type Compose = (args: string[], how?: { signal?: AbortSignal; show?: boolean }) => Promise<Ran>;

async function migrate({ artifact, signal }: SmokeInput, compose: Compose): Promise<void> {
  const { migrations, databases } = artifact.bundle.config;
  if (!migrations) return;
  const services = [...new Set(databases.map(({ service }) => service))];
  if (services.length > 0) await must(await compose(['up', '-d', ...services], { signal }), 'compose up');
  const args = ['run', '--rm', '--no-deps', '-T', migrations.service, ...migrations.command];
  await until(DATABASE_PATIENCE, signal, async () => {
    const { code, stdout, stderr } = await compose(args, { signal });
    return code === 0
      ? undefined
      : `migrations ended with ${code}: ${(stderr || stdout).trim().split('\n').at(-1)}`;
  });
}

const within = ({ artifact }: SmokeInput, service: string): number =>
  durationMs(artifact.bundle.config.http[service]?.healthWithin ?? '60s');

/** Asks again, each time a little later, until nothing is wrong; throws what was wrong last. */
async function until(ms: number, signal: AbortSignal, ask: () => Promise<string | undefined>): Promise<void> {
  const end = performance.now() + ms;
  for (let pause = 100; ; pause = Math.min(pause * 1.5, 2_000)) {
    const problem = await ask();
    if (problem === undefined) return;
    signal.throwIfAborted();
    if (performance.now() + pause > end) throw new Failure(problem);
    await sleep(pause, undefined, { signal });
  }
}

async function keepLogs({ logFolder }: SmokeInput, name: string, compose: Compose) {
  const { stdout } = await compose(['logs', '--no-color', '--timestamps']);
  const file = join(logFolder, `${name}.log`);
  await mkdir(logFolder, { recursive: true });
  await writeFile(file, `${stdout}\n`, { mode: 0o600 });
  return { file, tail: stdout.split('\n').slice(-LOG_LINES) };
}

const reasons = ({ failures }: LoadReport): string =>
  Object.entries(failures)
    .map(([why, count]) => `${count} × ${why}`)
    .join(', ');
