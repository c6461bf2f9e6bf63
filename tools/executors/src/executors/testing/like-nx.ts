import { fork } from 'node:child_process';

/**
 * Runs a module as Nx (23) runs a batch: with pipes that are copied to its own output; from Ctrl-C on it keeps everything to
 * itself, ends the batch, and after 5 s kills it. Arguments: the module, and what it gets.
 */
const [module = '', ...given] = process.argv.slice(2);
const child = fork(module, given, {
  stdio: ['inherit', 'pipe', 'pipe', 'ipc'],
  env: { ...process.env, NX_FORKED_TASK_EXECUTOR: 'true', NX_TUI: 'false' },
});
let silent = false;
child.stdout?.on('data', (chunk: Buffer) => silent || process.stdout.write(chunk));
child.stderr?.on('data', (chunk: Buffer) => silent || process.stderr.write(chunk));
process.on('SIGINT', () => {
  silent = true;
  child.kill('SIGTERM');
  setTimeout(() => child.kill('SIGKILL'), 5_000).unref();
});
child.once('exit', (code) => {
  process.exitCode = silent ? 130 : (code ?? 1);
});
