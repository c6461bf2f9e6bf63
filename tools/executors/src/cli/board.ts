import { InvalidArgumentError, type Command } from 'commander';
import { runBoard } from '../board/index.ts';
import { EXIT } from '../foundation/index.ts';
import type { Perform } from './shared.ts';

export function boardCommand(program: Command, perform: Perform): void {
  program
    .command('board')
    .description(
      'what is where as a page on this machine, which follows what happens until Ctrl-C; or written into a folder',
    )
    .option('--output <folder>', 'write the page into this folder, as one file, and end')
    .option('--port <number>', 'port on 127.0.0.1; 4410, or a free one, unless said', portOf)
    .option('--json', 'what the page shows as JSON, and end')
    .action((options: { output?: string; port?: number; json?: boolean }) =>
      perform(async ({ context, signal, answer, say }) => {
        const served = options.output === undefined && !options.json;
        const text = await runBoard(context, { ...options, from: process.cwd(), signal, said: answer });
        (served ? say : answer)(text);
        return EXIT.done;
      }),
    );
}

function portOf(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new InvalidArgumentError('A number from 0 to 65535.');
  return port;
}
