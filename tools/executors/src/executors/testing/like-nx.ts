import { fork } from 'node:child_process';
import nx from 'nx/src/native/index.js';

/**
 * Runs a module as Nx (23) runs a batch: with pipes that are copied to its own output; from Ctrl-C on it keeps everything to
 * itself, and ends the batch with all its processes, the last ones first; what is left after 5 s it kills. Arguments: the module, and what it gets.
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
  void nx.killProcessTreeGraceful(child.pid ?? 0);
});
child.once('exit', (code) => {
  process.exitCode = silent ? 130 : (code ?? 1);
});
