import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** One call of a program: an argv, never a shell. */
export interface Command {
  program: string;
  args: string[];
  env?: Record<string, string>;
  /** Whether it changes anything, be it the builder's own store. */
  effect: 'read' | 'write';
}
export interface Ran {
  /** 127 where the program does not exist. */
  code: number;
  stdout: string;
  stderr: string;
}
export interface RunHow {
  /** Each line of both outputs as it comes. */
  onLine?: ((line: string) => void) | undefined;
  signal?: AbortSignal | undefined;
}
export type Run = (command: Command, how?: RunHow) => Promise<Ran>;

/** The one gate for container tools. Resolves whatever the exit code is; rejects where it was aborted. */
export const runCommand: Run = (command, { onLine, signal } = {}) =>
  new Promise((resolve, reject) => {
    const child = spawn(command.program, command.args, {
      env: { ...process.env, LC_ALL: 'C', ...command.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(signal ? { signal } : {}),
    });
    const said = { stdout: [] as string[], stderr: [] as string[] };
    const ends = (['stdout', 'stderr'] as const).map(
      (name) =>
        new Promise<void>((ended) => {
          createInterface({ input: child[name], crlfDelay: Infinity })
            .on('line', (line) => {
              said[name].push(line);
              onLine?.(line);
            })
            .on('close', ended);
        }),
    );
    const ran = (code: number): Ran => ({
      code,
      stdout: said.stdout.join('\n'),
      stderr: said.stderr.join('\n'),
    });
    child.on('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ENOENT' ? resolve({ ...ran(127), stderr: error.message }) : reject(error),
    );
    child.on('close', (code, killed) => {
      void Promise.all(ends).then(() => resolve(ran(code ?? (killed ? 128 : 1))));
    });
  });

/** The command as a person would type it: `$` reads, `!` writes. */
export function showCommand({ program, args, env = {}, effect }: Command): string {
  const words = [
    ...Object.entries(env).map(([name, value]) => `${name}=${quoted(value)}`),
    ...[program, ...args].map(quoted),
  ];
  return `${effect === 'write' ? '!' : '$'} ${words.join(' ')}`;
}

const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
