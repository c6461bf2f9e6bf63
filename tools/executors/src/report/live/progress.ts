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
  /** Streams that somebody else copies to the terminal. */
  copied?: Terminal[];
  /** Said when somebody presses Ctrl-C. */
  stopping?: string;
  /** Whether failures are told as soon as they are known; else somebody else does. */
  tells?: () => boolean;
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

/** How often a wait that goes on is said again, in milliseconds. */
const AGAIN = 30_000;

/**
 * Plain lines, each written once.
 * @param last where it is said that Ctrl-C was heard
 */
export function plain(options: ProgressOptions, terminal: Terminal, last = terminal): Progress {
  const { signal, quiet = false, stopping = STOPPING, now = () => performance.now() } = options;
  const told = new Map<string, number>();
  const say = (line: string, to = terminal): void => void to.write(redact(`${line}\n`));
  const stop = () => say(stopping, last);
  signal.addEventListener('abort', stop, { once: true });
  return {
    onEvent: (event) => {
      const line = retryLine(event);
      if (line === undefined || event.event !== 'retrying') return;
      const key = `${event.subject} ${event.row} ${event.error.code}`;
      if (now() - (told.get(key) ?? -Infinity) < AGAIN) return;
      told.set(key, now());
      say(line);
    },
    settled: ({ line }) => {
      if (!quiet) say(line);
    },
    end: () => signal.removeEventListener('abort', stop),
  };
}
