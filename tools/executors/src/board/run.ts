import { resolve } from 'node:path';
import type { Context } from '../promotion/context.ts';
import { pageFiles } from './bundle.ts';
import { serveBoard } from './server.ts';
import { openBoard } from './source.ts';
import { writeBoard } from './static.ts';

export interface BoardOptions {
  /** Writes the page into this folder instead of serving it. */
  output?: string;
  /** What `output` is relative to; the workspace root unless said. */
  from?: string;
  port?: number;
  json?: boolean;
  signal?: AbortSignal;
  /** Told where the board is, as soon as it is there. */
  said: (line: string) => void;
}

/** Serves the board until `signal`; or writes it, or returns it, and ends. @throws BOARD_PORT_TAKEN */
export async function runBoard(context: Context, options: BoardOptions): Promise<string> {
  const { output, from = context.workspaceRoot, port, json, signal, said } = options;
  const source = await openBoard(context);
  try {
    if (json) return JSON.stringify(await source.whole(), undefined, 2);
    const page = await pageFiles();
    if (output !== undefined)
      return `The board is in ${await writeBoard(source, page, resolve(from, output))}`;
    const server = await serveBoard(source, page, port === undefined ? {} : { port });
    said(`The board is at ${server.url} (Ctrl-C ends it)`);
    await ended(signal);
    await server.close();
    return 'The board has ended.';
  } finally {
    await source.close();
  }
}

function ended(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) resolve();
    else signal?.addEventListener('abort', () => resolve(), { once: true });
  });
}
