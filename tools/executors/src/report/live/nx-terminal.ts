import { execFile } from 'node:child_process';
import { constants, openSync } from 'node:fs';
import { readlink } from 'node:fs/promises';
import { isatty, WriteStream } from 'node:tty';
import { promisify } from 'node:util';
import type { Terminal } from './screen.ts';

type Env = Readonly<Record<string, string | undefined>>;
export interface NxTerminal extends Terminal {
  close(): void;
}

/**
 * The terminal that Nx itself writes to, for one of its batches. A batch has pipes, which Nx copies to its own output until
 * somebody presses Ctrl-C: from then on it keeps everything to itself. Undefined where Nx writes elsewhere (a pipe, a file),
 * where it draws its own picture over the whole terminal, and outside of a batch.
 */
export async function nxTerminal(env: Env = process.env, nx = process.ppid): Promise<NxTerminal | undefined> {
  const isBatch = env['NX_FORKED_TASK_EXECUTOR'] === 'true' && !env['NX_TASK_TARGET_PROJECT'];
  if (!isBatch || env['NX_TUI'] === 'true' || !isatty(0)) return undefined;
  const [out, err] = (await linkedOutputs(nx)) ?? (await listedOutputs(nx));
  return out !== undefined && out === err && isTerminal(out) ? opened(out) : undefined;
}

/** A terminal by the name of its device. */
export const isTerminal = (path: string): boolean => /^\/dev\/(?:pts\/\d+|tty\w+|console)$/.test(path);

/** Paths of a process' standard output and standard error, where the system shows processes as files. */
async function linkedOutputs(pid: number): Promise<string[] | undefined> {
  try {
    return await Promise.all([1, 2].map((fd) => readlink(`/proc/${pid}/fd/${fd}`)));
  } catch {
    return undefined;
  }
}

/** The same as `lsof` says; nothing where that is not there, or takes its time. */
export async function listedOutputs(pid: number, lsof = 'lsof'): Promise<string[]> {
  try {
    const words = ['-a', '-p', String(pid), '-d', '1,2', '-F', 'n'];
    const { stdout } = await promisify(execFile)(lsof, words, { timeout: 2_000 });
    return stdout.split('\n').flatMap((line) => (line.startsWith('n') ? [line.slice(1)] : []));
  } catch {
    return [];
  }
}

function opened(path: string): NxTerminal | undefined {
  try {
    const stream = new WriteStream(openSync(path, constants.O_WRONLY | constants.O_NOCTTY));
    stream.unref();
    stream.on('error', () => undefined);
    const size = (): [number, number] => {
      try {
        return stream.getWindowSize();
      } catch {
        return [80, 24];
      }
    };
    return {
      isTTY: true,
      write: stream.write.bind(stream),
      get columns() {
        return size()[0];
      },
      get rows() {
        return size()[1];
      },
      close: () => void stream.destroy(),
    };
  } catch {
    return undefined;
  }
}
