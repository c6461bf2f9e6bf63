import type { WriteStream } from 'node:tty';
import { createLogUpdate } from 'log-update';

export type Terminal = Pick<WriteStream, 'write'> & { isTTY?: boolean; columns?: number; rows?: number };

/**
 * A few lines at the end of a terminal that are redrawn in place. Whatever else is written meanwhile, by whom ever, goes above
 * them; while a line of that is open (a question to a person), nothing is redrawn.
 */
export class Screen {
  readonly #writes = new Map<Terminal, Terminal['write']>();
  readonly #update: ReturnType<typeof createLogUpdate>;
  #lines: string[] = [];
  #isOpen = false;

  /**
   * @param others streams that end on the same terminal
   * @param copied streams that somebody else copies to it in his own time: what is written to them goes there at once
   */
  constructor(terminal: Terminal, others: Terminal[] = [], copied: Terminal[] = []) {
    const write = terminal.write.bind(terminal);
    const below = {
      isTTY: true,
      write,
      get columns() {
        return terminal.columns;
      },
      get rows() {
        return terminal.rows;
      },
    };
    // A hidden cursor would have to be brought back when the process is killed, by a handler that ends it at the first Ctrl-C.
    this.#update = createLogUpdate(below as unknown as WriteStream, { showCursor: true });
    for (const stream of [terminal, ...others]) this.#guard(stream, stream.write.bind(stream));
    for (const stream of copied) this.#guard(stream, write);
  }

  draw(lines: string[]): void {
    this.#lines = lines;
    if (!this.#isOpen) this.#update(lines.join('\n'));
  }

  /** The lines go; others may write as they like. */
  clear(): void {
    this.#lines = [];
    if (!this.#isOpen) this.#update.clear();
  }

  close(): void {
    this.clear();
    for (const [stream, write] of this.#writes) stream.write = write;
    this.#writes.clear();
  }

  #guard(stream: Terminal, to: Terminal['write']): void {
    if (this.#writes.has(stream)) return;
    const write = to as (...args: unknown[]) => boolean;
    this.#writes.set(stream, stream.write);
    stream.write = ((chunk: unknown, ...rest: unknown[]) => {
      if (!this.#isOpen) this.#update.clear();
      const went = write(chunk, ...rest);
      const text = typeof chunk === 'string' ? chunk : Buffer.from(chunk as Uint8Array).toString('utf8');
      if (text !== '') this.#isOpen = !text.endsWith('\n');
      if (!this.#isOpen && this.#lines.length > 0) this.#update(this.#lines.join('\n'));
      return went;
    }) as Terminal['write'];
  }
}
