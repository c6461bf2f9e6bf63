import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

/** No command of the docs takes longer, also where many things run at once; one that does waits for a key that nobody presses. */
const PATIENCE_MS = 180_000;

export interface Typed {
  code: number | null;
  out: string;
}

/** What a person does at the keyboard while a command runs. */
export interface Keys {
  /** Presses Ctrl-C once this was on the screen. */
  until?: RegExp;
  /** Answers what the command asks, in order; it then runs at a terminal. */
  answers?: { asked: RegExp; keys: string }[];
}

/** Somebody who types line by line into a shell: what was exported, and the folder, stay for the next line. */
export class Reader {
  readonly home: string;
  readonly #desk: string;
  /** The command that lets in where the lines are typed, if that is not here. */
  readonly #elsewhere: string | undefined;
  readonly #env: NodeJS.ProcessEnv;

  /** `desk` is a folder of the reader's own; `npx` in it calls what is installed, without looking it up first. */
  constructor(root: string, desk: string, env: NodeJS.ProcessEnv, elsewhere?: string) {
    this.#elsewhere = elsewhere;
    this.#desk = desk;
    this.home = join(desk, 'home');
    mkdirSync(join(desk, 'bin'), { recursive: true });
    mkdirSync(join(this.home, '.ssh'), { recursive: true, mode: 0o700 });
    this.#env = { ...env, PATH: `${join(desk, 'bin')}:${env['PATH']}`, HOME: this.home };
    this.program(
      'npx',
      `PATH="${join(desk, 'bin')}:$(git rev-parse --show-toplevel)/node_modules/.bin:$PATH" exec "$@"`,
    );
    this.sitIn(root);
  }

  /** A new shell in a folder. */
  sitIn(root: string): void {
    writeFileSync(this.#state, `cd '${root}'\n`);
  }

  /** Variables that every shell of the reader has. */
  give(variables: Record<string, string>): void {
    Object.assign(this.#env, variables);
  }

  /** Puts a program of the test's own into the reader's PATH. */
  program(name: string, script: string): void {
    const file = join(this.#desk, 'bin', name);
    writeFileSync(file, `#!/bin/sh\n${script}\n`);
    chmodSync(file, 0o755);
  }

  get #state(): string {
    return join(this.#desk, 'state.sh');
  }

  type(line: string, { until, answers = [] }: Keys = {}): Promise<Typed> {
    const file = join(this.#desk, 'line.sh');
    const state = this.#elsewhere ? '$HOME/.typed' : this.#state;
    writeFileSync(
      file,
      `trap : INT\nset -a\n[ ! -e "${state}" ] || . "${state}"\n${line}\ntold=$?\n{ export -p; printf "cd '%s'\\n" "$PWD"; } > "${state}"\nexit $told\n`,
    );
    // util-linux's `script` is a terminal without native code of ours.
    const [program, args]: [string, string[]] = this.#elsewhere
      ? ['sh', ['-c', `${this.#elsewhere} sh < '${file}'`]]
      : answers.length > 0
        ? ['script', ['-q', '-e', '-f', '-c', `stty cols 200 rows 50; exec sh '${file}'`, '/dev/null']]
        : ['sh', [file]];
    return new Promise((resolve, reject) => {
      const child = spawn(program, args, { env: this.#env, detached: true });
      let out = '';
      let read = 0;
      const open = [...answers];
      let running = until;
      const hear = (chunk: Buffer): void => {
        out += chunk.toString();
        const [next] = open;
        const rest = stripVTControlCharacters(out.slice(read));
        if (next?.asked.test(rest)) {
          open.shift();
          read = out.length;
          child.stdin.write(next.keys);
        }
        if (running?.test(rest) && child.pid !== undefined) {
          running = undefined;
          process.kill(-child.pid, 'SIGINT');
        }
      };
      child.stdout.on('data', hear);
      child.stderr.on('data', hear);
      child.once('error', reject);
      const patience = setTimeout(() => child.pid && process.kill(-child.pid, 'SIGKILL'), PATIENCE_MS);
      child.once('close', (code) => {
        clearTimeout(patience);
        resolve({ code, out: stripVTControlCharacters(out) });
      });
      if (answers.length === 0) child.stdin.end();
    });
  }
}
