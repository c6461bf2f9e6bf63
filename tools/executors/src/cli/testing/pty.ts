import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { Watching } from '../../report/live/testing/watching.ts';

const BIN = join(import.meta.dirname, '../../../bin/sluice.js');

/** util-linux's `script` gives a pseudo terminal without native code of ours. */
export const hasPty = /util-linux/.test(
  spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout ?? '',
);

export interface Typed {
  /** What a person sees now. */
  screen: Watching;
  /** Every byte that was written. */
  written(): string;
  press(keys: string): void;
  /** The exit code. */
  ended: Promise<number>;
}

/** The `sluice` command at a terminal of 110 columns and 30 lines; the arguments hold nothing that a shell reads. */
export const atTerminal = (cwd: string, env: NodeJS.ProcessEnv, ...args: string[]): Typed =>
  typed(cwd, env, `exec "$NODE" "$BIN" ${args.join(' ')}`);

/** A line for the shell at such a terminal; `$NODE` is this Node. */
export function typed(cwd: string, env: NodeJS.ProcessEnv, line: string): Typed {
  const screen = new Watching({ columns: 110, rows: 30 });
  const command = `stty cols 110 rows 30; ${line}`;
  const child = spawn('script', ['-q', '-e', '-f', '-c', command, '/dev/null'], {
    cwd,
    env: { ...env, TERM: 'xterm-256color', SHELL: '/bin/sh', NODE: process.execPath, BIN },
  });
  let written = '';
  child.stdout.on('data', (chunk: Buffer) => {
    written += chunk.toString('utf8');
    screen.write(chunk.toString('utf8'));
  });
  return {
    screen,
    written: () => written,
    press: (keys) => void child.stdin.write(keys),
    ended: new Promise((resolve) => child.once('close', (code) => resolve(code ?? -1))),
  };
}
