import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Flow } from './flow.ts';

export interface Command {
  command: 'publish' | 'promote' | 'rollback';
  /** The tasks' options, as nx.json or the command line would give them. */
  options?: Record<string, unknown>;
  /** All without them. */
  projects?: string[];
}
export interface Ended {
  /** Exit code; null after a signal. */
  code: number | null;
  signal: NodeJS.Signals | null;
  /** What became of each project. */
  results: Record<string, { success: boolean; text: string }>;
  stderr: string;
}
export interface Child {
  process: ChildProcess;
  ended: Promise<Ended>;
}

const SCRIPT = join(import.meta.dirname, '../../executors/testing/promote-child.ts');

/** Starts a command in a process of its own; see `executors/testing/promote-child.ts`. */
export function start(flow: Flow, { command, options = {}, projects = [] }: Command, env = {}): Child {
  const child = spawn(process.execPath, [SCRIPT, command, JSON.stringify(options), ...projects], {
    cwd: flow.root,
    env: { NODE_COMPILE_CACHE: join(tmpdir(), 'node-compile-cache'), ...flow.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = once(child, 'close').then(([code, signal]): Ended => {
    const results = stdout.split('\n').flatMap((line) => {
      if (!line.startsWith('{')) return [];
      const { task, success, terminalOutput } = JSON.parse(line) as {
        task: string;
        success: boolean;
        terminalOutput: string;
      };
      return [[task.split(':')[0] ?? '', { success, text: terminalOutput }] as const];
    });
    return {
      code: code as number | null,
      signal: signal as NodeJS.Signals | null,
      results: Object.fromEntries(results),
      stderr,
    };
  });
  return { process: child, ended };
}
