import { spawn, type ChildProcess } from 'node:child_process';

export interface Outcome {
  code: number;
  stdout: Buffer;
  stderr: string;
}

export interface ExecuteOptions {
  cwd?: string;
  env: NodeJS.ProcessEnv;
  /** What the program reads; without it its standard input is closed. */
  input?: string | Uint8Array;
  /** Gets the output piece by piece instead of having it collected. */
  onStdout?: (chunk: Buffer) => void;
  /** Ends the program and what it started, and rejects the call. Such a program has no terminal to ask at. */
  signal?: AbortSignal | undefined;
}

/**
 * Runs a program without a shell and waits for it. Resolves whatever the exit code is (128 + n after a signal);
 * rejects only where the program could not be started (`ENOENT` where it is missing).
 */
export function execute(file: string, args: readonly string[], options: ExecuteOptions): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd: options.cwd,
      env: options.env,
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      windowsHide: true,
      // A process group of its own: helpers of git outlive a git that is ended.
      detached: options.signal !== undefined && process.platform !== 'win32',
    });
    const end = (): void => {
      endGroup(child);
      reject(options.signal?.reason);
    };
    if (options.signal?.aborted) end();
    else options.signal?.addEventListener('abort', end, { once: true });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    const stdout = child.stdout as NodeJS.ReadableStream;
    const stderr = child.stderr as NodeJS.ReadableStream;
    stdout.on('data', options.onStdout ?? ((chunk: Buffer) => out.push(chunk)));
    stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      options.signal?.removeEventListener('abort', end);
      resolve({
        code: code ?? (signal ? 128 : 1),
        stdout: Buffer.concat(out),
        stderr: Buffer.concat(err).toString('utf8').trim(),
      });
    });
    // A program that ends before it read everything tells by its exit code.
    child.stdin?.on('error', () => {});
    child.stdin?.end(options.input);
  });
}

function endGroup(child: ChildProcess): void {
  try {
    if (process.platform === 'win32' || child.pid === undefined) child.kill();
    else process.kill(-child.pid, 'SIGTERM');
  } catch {
    // It has ended by itself.
  }
}
