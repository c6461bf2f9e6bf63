import { redact } from '../../foundation/index.ts';

/** A signal that ends with the process's own: a builder is told to stop, and what it left is cleaned up. */
export function interruptible(): { signal: AbortSignal; done(): void } {
  const abort = new AbortController();
  const stop = (): void => abort.abort(new Error('stopped on request'));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  return { signal: abort.signal, done: () => void process.off('SIGINT', stop).off('SIGTERM', stop) };
}

/** Shows what a tool says while it works, with the project's name before it. */
export const sayLine =
  (out: Pick<NodeJS.WriteStream, 'write'>) =>
  (project: string, line: string): void =>
    void out.write(redact(`${project} | ${line}\n`));
