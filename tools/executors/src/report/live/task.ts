import type { PackageResult } from '../../promotion/carry.ts';
import { redact } from '../../foundation/index.ts';
import { nxTerminal, type NxTerminal } from './nx-terminal.ts';
import { STOPPING_BELOW_NX } from './plain.ts';
import { plain, type Progress } from './progress.ts';
import type { Terminal } from './screen.ts';
import { isWatched } from './watched.ts';

type Env = Readonly<Record<string, string | undefined>>;

export interface TaskProgressOptions {
  /** "api:deploy-vps:staging". */
  title: string;
  signal: AbortSignal;
  /** It is the only task of Nx's run, so that nobody else writes meanwhile. */
  alone: boolean;
  env?: Env;
  /** Where Nx shows what it does, where that is a terminal; found out unless given. */
  terminal?: NxTerminal | undefined;
  /** Standard output and standard error, which Nx copies. */
  copied?: { out: Terminal; err: Terminal };
}

/**
 * Progress of the tasks of one call of Nx: redrawn in place where the only task runs at a terminal, else plain lines. The
 * results are Nx's to print. But when somebody presses Ctrl-C, Nx falls silent; then they are told here.
 */
export async function openTaskProgress(options: TaskProgressOptions): Promise<Progress> {
  const { title, signal, alone, env = process.env } = options;
  const { out, err } = options.copied ?? { out: process.stdout, err: process.stderr };
  const terminal = 'terminal' in options ? options.terminal : await nxTerminal(env);
  if (!terminal) return plain({ title, signal, quiet: true }, err);
  const close = (shown: Progress): Progress => ({
    ...shown,
    end: (results) => {
      shown.end(results);
      terminal.close();
    },
  });
  const stopping = STOPPING_BELOW_NX;
  if (alone && isWatched(terminal, env)) {
    const { live } = await import('./live.ts');
    const tells = () => signal.aborted;
    return close(live({ title, signal, stopping, tells, others: [], copied: [out, err] }, terminal));
  }
  const shown = plain({ title, signal, stopping, quiet: true }, err, terminal);
  const settled = ({ line }: PackageResult): void => {
    if (signal.aborted) terminal.write(redact(`${line}\n`));
  };
  return close({ ...shown, settled });
}

/** Plain progress on standard error, of what nobody can stop half-way. */
export const plainProgress = (): Progress =>
  plain({ title: '', signal: new AbortController().signal, quiet: true }, process.stderr);
