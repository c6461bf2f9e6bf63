import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

export interface Typed {
  code: number | null;
  out: string;
}

/** Somebody who types line by line into a shell: what was exported, and the folder, stay for the next line. */
export class Reader {
  readonly #state: string;
  readonly #env: NodeJS.ProcessEnv;

  /** `desk` is a folder of the reader's own; `npx` in it calls what is installed, without looking it up first. */
  constructor(root: string, desk: string, env: NodeJS.ProcessEnv) {
    mkdirSync(join(desk, 'bin'), { recursive: true });
    this.#state = join(desk, 'state.sh');
    this.#env = { ...env, PATH: `${join(desk, 'bin')}:${env['PATH']}`, HOME: join(desk, 'home') };
    mkdirSync(join(desk, 'home', '.ssh'), { recursive: true, mode: 0o700 });
    this.program('npx', 'exec "$@"');
    writeFileSync(this.#state, `cd '${root}'\n`);
  }

  /** Puts a program of the test's own into the reader's PATH. */
  program(name: string, script: string): void {
    const file = join(this.#state, '../bin', name);
    writeFileSync(file, `#!/bin/sh\n${script}\n`);
    chmodSync(file, 0o755);
  }

  /** Types a line, and presses Ctrl-C once `until` was on the screen. */
  type(line: string, until?: RegExp): Promise<Typed> {
    const script = `set -a\n. '${this.#state}'\n${line}\ntold=$?\n{ export -p; printf "cd '%s'\\n" "$PWD"; } > '${this.#state}'\nexit $told`;
    return new Promise((resolve, reject) => {
      const child = spawn('sh', ['-c', script], {
        env: this.#env,
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let out = '';
      let pressed = false;
      const hear = (chunk: Buffer): void => {
        out += chunk.toString();
        if (!until || pressed || !until.test(out) || child.pid === undefined) return;
        pressed = true;
        process.kill(-child.pid, 'SIGINT');
      };
      child.stdout.on('data', hear);
      child.stderr.on('data', hear);
      child.once('error', reject);
      child.once('close', (code) => resolve({ code, out: stripVTControlCharacters(out) }));
    });
  }
}
