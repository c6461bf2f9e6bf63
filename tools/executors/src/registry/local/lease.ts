import { spawn } from 'node:child_process';
import { mkdir, open, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { errors, Secret } from '../../foundation/index.ts';
import { openLease, readState, ServerProblem, type OpenLease } from './client.ts';
import { lastLines } from './files.ts';
import { IMAGES } from './images.ts';
import { isHeld } from './lock.ts';
import { localPaths, type LocalPaths } from './paths.ts';
import { findVerdaccio } from './verdaccio.ts';

type Env = Readonly<Record<string, string | undefined>>;

const LOG_LARGEST = 1024 * 1024;
/** What the server may know of our environment; it has no use for anybody's tokens. */
const HANDED_ON = [
  'PATH',
  'Path',
  'HOME',
  'USERPROFILE',
  'SystemRoot',
  'TMPDIR',
  'TEMP',
  'TMP',
  'LANG',
  'TZ',
];

export interface LeaseRequest {
  workspaceRoot: string;
  /** Names of the package stages that need a local registry; `images` asks for the one of container images. */
  stages: string[];
  /** All package stages in order, where `stages` are only some: a stage without a file gets its rights by its place. */
  pipeline?: string[];
  env?: Env;
  /** Everything is ready within this time (ms), or an error says why not. */
  readyWithin?: number;
}
export interface LocalRegistry {
  url: string;
  token: Secret;
  storage: string;
}
export interface LocalLease {
  addresses: Map<string, LocalRegistry>;
  /** What is not as preferred (a taken port), in words for a person. */
  notes: string[];
  /** Resolves when the registries are gone: released, or their process ended. */
  closed: Promise<void>;
  /** Gives the lease back; the registries stop some seconds after the last one. Safe to call twice. */
  release(): Promise<void>;
}

/**
 * The local registries of a workspace, started if nobody runs them yet, shared with every other process that holds a lease.
 * An open lease does not keep its process alive, and ends with it.
 * @throws VERDACCIO_MISSING, LOCAL_REGISTRIES_FAILED (after 30 s at most)
 */
export async function leaseLocalRegistries({
  workspaceRoot,
  stages,
  pipeline = stages,
  env = process.env,
  readyWithin = 30_000,
}: LeaseRequest): Promise<LocalLease> {
  if (stages.length === 0)
    return { addresses: new Map(), notes: [], closed: Promise.resolve(), release: async () => {} };
  const paths = localPaths(workspaceRoot);
  const query = new URLSearchParams([
    ...stages.map((s) => ['stage', s]),
    ...pipeline.map((s) => ['pipeline', s]),
  ]);
  const needsVerdaccio = stages.some((stage) => stage !== IMAGES);
  const start = (): Promise<{ exit?: number }> =>
    startServer(paths, workspaceRoot, needsVerdaccio ? findVerdaccio(workspaceRoot) : '', env);
  const lease = await obtain(paths, query, start, readyWithin);
  const found = Object.entries(lease.registries);
  return {
    addresses: new Map(
      found.map(([stage, { url, token, storage }]) => [stage, { url, token: new Secret(token), storage }]),
    ),
    notes: found.flatMap(([, { note }]) => note ?? []),
    closed: lease.closed,
    release: lease.release,
  };
}

async function obtain(
  paths: LocalPaths,
  query: URLSearchParams,
  start: () => Promise<{ exit?: number }>,
  readyWithin: number,
): Promise<OpenLease> {
  const failed = async (reason: string): Promise<Error> =>
    errors.LOCAL_REGISTRIES_FAILED({ reason, log: paths.log, lines: await lastLines(paths.log) });
  const until = Date.now() + readyWithin;
  let server: { exit?: number } | undefined;
  while (Date.now() < until) {
    const held = await isHeld(paths.lock);
    const state = held ? await readState(paths) : undefined;
    const lease =
      state &&
      (await openLease(state, query, until - Date.now()).catch(async (error: unknown) => {
        throw error instanceof ServerProblem ? await failed(error.message) : error;
      }));
    if (lease) return lease;
    if (server?.exit) throw await failed(`their process ended with exit code ${server.exit}`);
    if ((server === undefined || server.exit === 0) && !held) server = await start();
    await pause(20);
  }
  throw await failed(`they were not ready within ${readyWithin / 1000} seconds`);
}

/** Several may start one at the same moment: the servers settle among themselves by their lock, the others exit with 0. */
async function startServer(
  paths: LocalPaths,
  workspaceRoot: string,
  verdaccio: string,
  env: Env,
): Promise<{ exit?: number }> {
  await mkdir(paths.folder, { recursive: true, mode: 0o700 });
  const tooLarge = ((await stat(paths.log).catch(() => undefined))?.size ?? 0) > LOG_LARGEST;
  const log = await open(paths.log, tooLarge ? 'w' : 'a', 0o600);
  const known = Object.fromEntries(
    HANDED_ON.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])),
  );
  const file = join(import.meta.dirname, `server${extname(import.meta.filename)}`);
  const child = spawn(process.execPath, [file, workspaceRoot, verdaccio, lingerOf(env)], {
    cwd: tmpdir(),
    detached: true,
    windowsHide: true,
    stdio: ['ignore', log.fd, log.fd],
    env: { ...known, NODE_NO_WARNINGS: '1', NODE_ENV: 'production' },
  });
  const server: { exit?: number } = {};
  child.once('exit', (code) => (server.exit = code ?? 1));
  child.once('error', () => (server.exit = 1));
  child.unref();
  await log.close();
  return server;
}

function lingerOf(env: Env): string {
  const said = env['SLUICE_LOCAL_LINGER_MS'] ?? '';
  return /^\d{1,7}$/.test(said) ? said : '3000';
}
