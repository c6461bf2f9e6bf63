/**
 * The background process that hosts the local registries of one workspace, for as long as somebody holds a lease.
 * Started by `lease.ts` as `node server.ts <workspace root> <verdaccio's entry, or empty> <linger in ms>`; its output goes to the log.
 */
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createRequire, enableCompileCache } from 'node:module';
import type { AddressInfo } from 'node:net';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { templateConfig, type VerdaccioConfig } from './config.ts';
import { writePrivate } from './files.ts';
import { host, type Hosted, type RunServer } from './host.ts';
import { hostImages, IMAGES } from './images.ts';
import { takeLock } from './lock.ts';
import { localPaths } from './paths.ts';
import { findVerdaccio } from './verdaccio.ts';

/** Time for the first client to come; a starter that was killed leaves nobody who would. */
const FIRST_LEASE_MS = 10_000;

const [root = '', verdaccio = '', linger = '3000'] = process.argv.slice(2);
const paths = localPaths(root);
const say = (text: string): void =>
  void process.stdout.write(`${new Date().toISOString()} ${process.pid} ${text}\n`);

const lock = await takeLock(paths.lock);
if (!lock) process.exit(0);

const secret = randomBytes(32).toString('base64url');
const running = new Map<string, Promise<{ hosted: Hosted; close(): Promise<void> }>>();
const leases = new Set<ServerResponse>();
let stopping = false;
let idle: NodeJS.Timeout | undefined;

const control = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => {
    say(`failed: ${String(error instanceof Error ? error.stack : error)}`);
    if (!response.headersSent) response.writeHead(500);
    response.end(JSON.stringify({ problem: error instanceof Error ? error.message : String(error) }));
  });
});
control.listen(0, '127.0.0.1', () => {
  const { port } = control.address() as AddressInfo;
  stopWhenIdle(FIRST_LEASE_MS);
  writePrivate(
    paths.state,
    JSON.stringify({ pid: process.pid, control: `http://127.0.0.1:${port}`, secret }),
  ).catch(() => stop('its folder is gone'));
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void stop(signal));
setInterval(
  () => void lock.touch().then((held) => (held ? undefined : stop('its folder or its lock is gone'))),
  1000,
).unref();
// Loading takes longest: begin before the first client asks, and keep what was compiled (a quarter of the time).
enableCompileCache();
let loading: ReturnType<typeof loadVerdaccio> | undefined;
if (verdaccio) library().catch(() => {});

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://control');
  if (request.headers.authorization !== `Bearer ${secret}`) return void response.writeHead(401).end();
  if (stopping) return void response.writeHead(503).end();
  if (url.pathname === '/stop') {
    if (leases.size > 0) return void response.writeHead(409).end();
    response.writeHead(200).end();
    return stop('asked to');
  }
  // Counted from here on: a slow start must not end because nobody holds a lease yet.
  leases.add(response);
  clearTimeout(idle);
  response.on('close', () => {
    leases.delete(response);
    if (leases.size === 0) stopWhenIdle(Number(linger));
  });
  const stages = url.searchParams.getAll('stage');
  const pipeline = url.searchParams.getAll('pipeline');
  const hosted = await Promise.all(
    stages.map(async (stage) => [stage, (await ensure(stage, pipeline)).hosted] as const),
  );
  await tellPeople();
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  response.write(`${JSON.stringify(Object.fromEntries(hosted))}\n`);
}

/** The stage's registry, started at its first lease; one that failed to start is tried again at the next. */
function ensure(stage: string, pipeline: string[]): Promise<{ hosted: Hosted; close(): Promise<void> }> {
  const started = running.get(stage) ?? start(stage, pipeline);
  running.set(stage, started);
  started.catch(() => running.delete(stage));
  return started;
}

async function start(stage: string, pipeline: string[]): Promise<{ hosted: Hosted; close(): Promise<void> }> {
  if (stage === IMAGES) {
    const images = await hostImages(paths);
    say(`${stage} at ${images.hosted.url}`);
    return images;
  }
  const { runServer, parseConfigFile } = await library();
  const file = join('verdaccio', `${stage}.yaml`);
  const place = Math.max(0, pipeline.indexOf(stage));
  const own = existsSync(join(root, file));
  try {
    const config = own ? parseConfigFile(join(root, file)) : templateConfig(place, pipeline.length);
    const registry = await host(stage, config, paths, runServer);
    say(`${stage} at ${registry.hosted.url}`);
    return registry;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`the stage ${stage}, by ${own ? file : 'the built-in configuration'}: ${reason}`, {
      cause,
    });
  }
}

/** Loaded once; a process that was started for images alone looks for it when a package stage is asked for. */
function library(): ReturnType<typeof loadVerdaccio> {
  loading ??= loadVerdaccio();
  return loading;
}

async function loadVerdaccio(): Promise<{
  runServer: RunServer;
  parseConfigFile(file: string): VerdaccioConfig;
}> {
  return createRequire(import.meta.url)(verdaccio || findVerdaccio(root)) as Awaited<
    ReturnType<typeof loadVerdaccio>
  >;
}

/** The tokens as an `.npmrc` beside the log, for `npm view ... --userconfig`. */
async function tellPeople(): Promise<void> {
  const packages = [...running].filter(([stage]) => stage !== IMAGES);
  const all = await Promise.all(packages.map(([, r]) => r.catch(() => undefined)));
  const lines = all.flatMap((r) =>
    r ? [`${r.hosted.url.replace(/^http:/, '')}/:_authToken=${r.hosted.token}`] : [],
  );
  await writePrivate(paths.npmrc, `${lines.join('\n')}\n`);
}

function stopWhenIdle(ms: number): void {
  clearTimeout(idle);
  idle = setTimeout(() => void stop('nobody holds a lease'), ms);
}

/** New clients are turned away first; the lock goes last, so that no second server starts on the same storage. */
async function stop(why: string): Promise<void> {
  if (stopping) return;
  stopping = true;
  setTimeout(() => process.exit(1), 5000).unref();
  await rm(paths.state, { force: true });
  const all = await Promise.all([...running.values()].map((r) => r.catch(() => undefined)));
  await Promise.all(all.map((r) => r?.close()));
  say(`stopped: ${why}`);
  control.closeAllConnections();
  await lock?.release();
  process.exit(0);
}
