import xterm from '@xterm/headless';
import type { Terminal } from '../screen.ts';

/** A terminal that shows what it is written: what a person would see of it. */
export class Watching {
  readonly terminal: Terminal;
  readonly #screen: InstanceType<typeof xterm.Terminal>;

  constructor({ columns = 80, rows = 24 } = {}) {
    this.#screen = new xterm.Terminal({ cols: columns, rows, convertEol: true, allowProposedApi: true });
    this.terminal = {
      isTTY: true,
      columns,
      rows,
      write: ((chunk: string | Uint8Array) => {
        this.#screen.write(chunk);
        return true;
      }) as Terminal['write'],
    };
  }
  /** What came from a pseudo terminal. */
  write(chunk: string): void {
    this.#screen.write(chunk);
  }
  resize(columns: number, rows: number): void {
    Object.assign(this.terminal, { columns, rows });
    this.#screen.resize(columns, rows);
  }

  /** The lines that can be seen, without the empty ones below. */
  async seen(): Promise<string[]> {
    const { baseY } = await this.#buffer();
    return (await this.all()).slice(baseY);
  }
  /** With those that scrolled away. */
  async all(): Promise<string[]> {
    const buffer = await this.#buffer();
    const lines = Array.from(
      { length: buffer.length },
      (_, at) => buffer.getLine(at)?.translateToString(true).trimEnd() ?? '',
    );
    return lines.slice(0, lines.findLastIndex((line) => line !== '') + 1);
  }
  async #buffer() {
    await new Promise<void>((resolve) => this.#screen.write('', resolve));
    return this.#screen.buffer.active;
  }
}
