import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { StringDecoder } from 'node:string_decoder';
import { encodeText, encodeValues, scriptOf } from './phases.ts';

/**
 * Command behind `ssh host`: reads its own script as the first line of the input. Free of what a login shell that is not
 * POSIX (fish, csh) would take for something else.
 */
export const COMMAND = `sh -c 'IFS= read -r s; eval "$(printf %b "$s")"'`;

export interface Request {
  phase: string;
  script: string;
  values: Record<string, string>;
  stdin: string | Buffer;
  onLine: (line: string) => void;
}

/** How the transport's process ended. */
export interface Ended {
  code: number | undefined;
  /** Standard error of the process itself: ssh's own words. */
  said: string;
  /** Standard output before the session answered: a banner, what a login script prints. */
  printed: string;
  error: NodeJS.ErrnoException | undefined;
}

interface Running {
  id: number;
  pid: string | undefined;
  onLine: (line: string) => void;
  lines: string[];
  resolve: (code: number) => void;
  killed: string | undefined;
}

/**
 * Our end of `phases/session.sh`: one process, by ssh or of this machine, for everything that is done on a host.
 * `opened` resolves when the other end answered; `ended` when the process is gone. Neither ever rejects.
 */
export class Session {
  readonly opened: Promise<boolean>;
  readonly ended: Promise<Ended>;
  /** The host said that the lease is not this run's any more. */
  lost = false;
  readonly #child: ChildProcess;
  readonly #nonce = randomBytes(16).toString('hex');
  readonly #said: string[] = [];
  #printed: string[] = [];
  #answered = false;
  #open = true;
  #running: Running | undefined;
  #count = 0;
  #hello!: (answered: boolean) => void;

  constructor(child: ChildProcess, values: Record<string, string>) {
    this.#child = child;
    this.opened = new Promise((resolve) => {
      this.#hello = resolve;
    });
    this.ended = this.#watch();
    child.stdin?.on('error', () => {});
    const script = encodeText(scriptOf('process', 'session'));
    this.#send(`${script}\nOPEN ${this.#nonce} ${encodeValues(values)}\n`);
  }

  /** What the transport itself said until now, warnings of ssh's. */
  get said(): readonly string[] {
    return this.#said;
  }

  /** Still able to carry requests, as far as we know. */
  get open(): boolean {
    return this.#open;
  }

  /** Resolves with the phase's exit code; undefined where the connection was lost before. One at a time. */
  async run(request: Request): Promise<number | undefined> {
    this.#count += 1;
    const id = this.#count;
    const values = encodeValues(request.values);
    const script = encodeText(request.script);
    const input = Buffer.from(request.stdin).toString('base64');
    const done = new Promise<number>((resolve) => {
      this.#running = {
        id,
        pid: undefined,
        onLine: request.onLine,
        lines: [],
        resolve,
        killed: undefined,
      };
    });
    this.#send(
      `RUN ${id} ${request.phase} ${values.length} ${script.length} ${input.length}\n${values}${script}${input}`,
    );
    try {
      return await Promise.race([done, this.ended.then(() => undefined)]);
    } finally {
      // What outlives the script it was started by is ended too.
      if (this.#running?.killed) this.kill('KILL');
      this.#running = undefined;
    }
  }

  /** Ends the process group of the phase that runs, as soon as it is known. */
  kill(signal: 'TERM' | 'KILL'): void {
    if (!this.#running) return;
    this.#running.killed = signal;
    if (this.#running.pid !== undefined) this.#send(`KILL ${signal} ${this.#running.pid}\n`);
  }

  beat(): void {
    this.#send('BEAT\n');
  }

  /** The other end goes home; a phase that runs goes on. */
  async close(): Promise<void> {
    this.#open = false;
    this.#child.stdin?.end('END\n');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 3_000);
    await this.ended;
    clearTimeout(timer);
  }

  /** Cuts the connection. */
  destroy(): void {
    this.#open = false;
    this.#child.kill('SIGKILL');
  }

  #send(text: string): void {
    if (this.#child.stdin?.writable) this.#child.stdin.write(text);
  }

  #watch(): Promise<Ended> {
    const child = this.#child;
    lines(child.stdout, (line) => this.#line(line));
    lines(child.stderr, (line) => this.#said.push(line));
    let error: NodeJS.ErrnoException | undefined;
    return new Promise((resolve) => {
      const end = (code: number | null) => {
        this.#open = false;
        this.#hello(false);
        resolve({
          code: code ?? undefined,
          said: this.#said.slice(-40).join('\n'),
          printed: this.#printed.slice(-10).join('\n'),
          error,
        });
      };
      child.on('error', (thrown: NodeJS.ErrnoException) => {
        error = thrown;
        if (child.pid === undefined) end(null);
      });
      // Something that a phase left behind may hold the pipes for longer than the connection lives.
      child.on('exit', (code) => {
        const timer = setTimeout(() => end(code), 500);
        child.on('close', () => {
          clearTimeout(timer);
          end(code);
        });
      });
    });
  }

  #line(line: string): void {
    if (!this.#answered) {
      // A login script may print without a line's end.
      if (line.endsWith(`${this.#nonce} HELLO 1`)) {
        this.#answered = true;
        this.#hello(true);
      } else this.#printed.push(line);
      return;
    }
    const running = this.#running;
    if (line.startsWith('|')) {
      if (running) deliver(running, line.slice(1));
      return;
    }
    const [nonce, word, id, value] = line.split(' ');
    if (nonce !== this.#nonce) return;
    if (word === 'LOST') this.lost = true;
    if (!running || Number(id) !== running.id) return;
    if (word === 'PID') {
      running.pid = value;
      if (running.killed) this.#send(`KILL ${running.killed} ${value}\n`);
    } else if (word === 'END') {
      // The line's end before this mark is ours; an empty line is held back until it is known not to be that.
      running.resolve(Number(value));
    }
  }
}

/** An empty line waits for the next one: the last one of a phase is the session's, not the phase's. */
function deliver(running: Running, line: string): void {
  for (const held of running.lines.splice(0)) running.onLine(held);
  if (line === '') running.lines.push(line);
  else running.onLine(line);
}

function lines(stream: NodeJS.ReadableStream | null, onLine: (line: string) => void): void {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  stream?.on('data', (chunk: Buffer) => {
    const pieces = (rest + decoder.write(chunk)).split('\n');
    rest = pieces.pop() ?? '';
    for (const piece of pieces) onLine(piece);
  });
  stream?.on('end', () => {
    if (rest !== '') onLine(rest);
  });
}
