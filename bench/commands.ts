import { spawn } from 'node:child_process';
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { constants } from 'node:os';
import { delimiter, dirname, join, resolve, sep } from 'node:path';
import { performance } from 'node:perf_hooks';

/** The workspace that this bench belongs to. */
export const ROOT = resolve(import.meta.dirname, '..');

/** Path of a program of the bench's own `node_modules`. */
export function competitor(name: string): string {
  return join(import.meta.dirname, 'node_modules', '.bin', name);
}

export interface Outcome {
  /** Wall time in milliseconds. */
  ms: number;
  exit: number | null;
  /** Ended by us, because its time was over. */
  cut: boolean;
  /** The end of what it printed, both streams. */
  output: string;
}

const KEPT = 8_000;
const running = new Set<ChildProcess>();

/** Runs a program to its end, or ends it (and what it started) by its process group when `budgetMs` are over. */
export async function runCommand(
  argv: readonly string[],
  options: { cwd: string; env: NodeJS.ProcessEnv; budgetMs: number; onStart?: (pid: number) => void },
): Promise<Outcome> {
  const started = performance.now();
  const child = spawnOwned(argv, { cwd: options.cwd, env: options.env, stdio: ['ignore', 'pipe', 'pipe'] });
  if (child.pid !== undefined) options.onStart?.(child.pid);
  let output = '';
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-KEPT);
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  let cut = false;
  const timer = setTimeout(() => {
    cut = true;
    endGroup(child);
  }, options.budgetMs);
  try {
    const exit = await new Promise<number | null>((settle, fail) => {
      child.on('error', fail);
      // Not `close`: a daemon that the program left behind may hold the pipes open.
      child.on('exit', (code) => settle(code));
    });
    return { ms: performance.now() - started, exit, cut, output };
  } finally {
    clearTimeout(timer);
    child.stdout?.destroy();
    child.stderr?.destroy();
  }
}

/** Like `runCommand`, for preparations: throws where the program does not end with 0. */
export async function mustRun(argv: readonly string[], cwd: string, env = process.env): Promise<string> {
  const { exit, cut, output } = await runCommand(argv, { cwd, env, budgetMs: 300_000 });
  if (exit !== 0)
    throw new Error(`${argv.join(' ')} ${cut ? 'took too long' : `ended with ${exit}`}:\n${output}`);
  return output;
}

/** Starts a program in a process group of its own; it is ended when this process ends. */
export function spawnOwned(argv: readonly string[], options: SpawnOptions): ChildProcess {
  const child = spawn(argv[0]!, argv.slice(1), { ...options, detached: true });
  running.add(child);
  child.on('exit', () => running.delete(child));
  child.on('error', () => running.delete(child));
  return child;
}

/** Ends one process that `spawnOwned` started, and its group. */
export function endGroup(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The group has ended by itself.
  }
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => process.exit(128 + constants.signals[signal]));
}
process.once('exit', () => {
  for (const child of running) endGroup(child);
});

/**
 * The environment of every measured program: the machine's own without what `npm run` added, this Node, a home folder of the
 * run's own (its `.npmrc` names registry and token), and no daemon unless a driver says so.
 */
export function toolEnv(home: string, more: Record<string, string> = {}): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (
      /^(npm_|pnpm_|nx_|lerna_|sluice_|init_cwd$|node_options$|node_env$|ci$|github_actions$|xdg_)/i.test(
        name,
      )
    )
      continue;
    env[name] = value;
  }
  const binaries = (env['PATH'] ?? '').split(delimiter);
  return {
    ...env,
    PATH: [dirname(process.execPath), ...binaries.filter((p) => !p.endsWith(`node_modules${sep}.bin`))].join(
      delimiter,
    ),
    HOME: home,
    USERPROFILE: home,
    NX_DAEMON: 'false',
    NX_TUI: 'false',
    NX_NO_CLOUD: 'true',
    GIT_CONFIG_NOSYSTEM: '1',
    NO_UPDATE_NOTIFIER: '1',
    npm_config_update_notifier: 'false',
    ...more,
  };
}
