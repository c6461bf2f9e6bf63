import { spawn } from 'node:child_process';

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
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    const stdout = child.stdout as NodeJS.ReadableStream;
    const stderr = child.stderr as NodeJS.ReadableStream;
    stdout.on('data', options.onStdout ?? ((chunk: Buffer) => out.push(chunk)));
    stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.on('error', reject);
    child.on('close', (code, signal) => {
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
