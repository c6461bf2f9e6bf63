import { redact } from '../../foundation/index.ts';
import type { HostEvent } from '../../deployment/index.ts';
import type { PackageResult } from '../../promotion/carry.ts';
import type { StepEvent } from '../../steps/index.ts';
import { retryLine, STOPPING } from './plain.ts';
import type { Terminal } from './screen.ts';
import { isWatched } from './watched.ts';

/** Tells what happens while it does. */
export interface Progress {
  onEvent(event: StepEvent): void;
  /** A fate is known. */
  settled(result: PackageResult): void;
  /** Nothing more comes; a person who watched gets a table. Without results it went wrong elsewhere. */
  end(results?: PackageResult[]): void;
  /** Where a person watches: what the hosts are at. */
  watched?: Watched;
}
export interface Watched {
  onHost(project: string, event: HostEvent): void;
  onLine(host: string, phase: string, line: string): void;
}

export interface ProgressOptions {
  /** "promote to test". */
  title: string;
  signal: AbortSignal;
  /** Only an answer is wanted: plain lines, and none for results. */
  quiet?: boolean;
  env?: Readonly<Record<string, string | undefined>>;
  terminal?: Terminal;
  /** Standard output, where that is the same terminal. */
  others?: Terminal[];
  now?: () => number;
  date?: () => Date;
}

/** Lines redrawn in place where a person watches, else plain ones, each written once. */
export async function openProgress(options: ProgressOptions): Promise<Progress> {
  const { env = process.env, terminal = process.stderr, quiet = false } = options;
  if (quiet || !isWatched(terminal, env)) return plain(options, terminal);
  const { live } = await import('./live.ts');
  return live(options, terminal);
}

function plain({ signal, quiet = false }: ProgressOptions, terminal: Terminal): Progress {
  const say = (line: string): void => void terminal.write(redact(`${line}\n`));
  const stop = () => say(STOPPING);
  signal.addEventListener('abort', stop, { once: true });
  return {
    onEvent: (event) => {
      const line = retryLine(event);
      if (line !== undefined) say(line);
    },
    settled: ({ line }) => {
      if (!quiet) say(line);
    },
    end: () => signal.removeEventListener('abort', stop),
  };
}
