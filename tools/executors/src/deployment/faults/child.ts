import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServiceFlow } from '../../promotion/image/testing/flow.ts';
import { PROJECT } from './service.ts';

const SCRIPT = join(import.meta.dirname, '../../executors/testing/deploy-child.ts');

export interface Ended {
  /** Exit code; null after a signal. */
  code: number | null;
  /** What a person sees at the end. */
  output: string;
  /** What a person sees meanwhile. */
  progress: string;
}

/** A deployment in a process of its own. */
export class Deploying {
  readonly ended: Promise<Ended>;
  readonly #process: ChildProcess;

  constructor(process: ChildProcess) {
    this.#process = process;
    let output = '';
    let progress = '';
    process.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    process.stderr?.on('data', (chunk: Buffer) => (progress += chunk.toString()));
    this.ended = once(process, 'close').then(([code]) => ({ code: code as number | null, output, progress }));
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** Resolves when the process has stopped itself. Throws where it ended instead. */
  async stopped(): Promise<void> {
    for (;;) {
      const stat = await readFile(`/proc/${this.pid}/stat`, 'utf8').catch(() => '');
      if (/\) T /.test(stat)) return;
      if (this.#process.exitCode !== null || this.#process.signalCode !== null)
        throw new Error(`it ended before it came there: ${JSON.stringify(await this.ended, undefined, 2)}`);
      await sleep(20);
    }
  }
  go(): void {
    this.#process.kill('SIGCONT');
  }
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.ended;
  }
  interrupt(): void {
    this.#process.kill('SIGINT');
  }
}

export interface StartOptions {
  /** Title of the row at whose beginning the process stops itself. */
  stopAt?: string | undefined;
  env?: Record<string, string>;
  options?: Record<string, unknown>;
}

export function startDeployment(flow: ServiceFlow, given: StartOptions): Deploying {
  const options = JSON.stringify({ stage: 'staging', ...given.options });
  const words = [SCRIPT, PROJECT, options, ...(given.stopAt ? [given.stopAt] : [])];
  const child = spawn(process.execPath, words, {
    cwd: flow.root,
    env: { NODE_COMPILE_CACHE: join(tmpdir(), 'node-compile-cache'), ...flow.env, ...given.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return new Deploying(child);
}
