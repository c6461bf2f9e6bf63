import type { ExecutorContext } from '@nx/devkit';
import { runBoard } from '../../board/index.ts';
import { inWorkspace, type CommonOptions } from '../door.ts';

interface BoardExecutorOptions extends CommonOptions {
  output?: string;
  port?: number;
  json?: boolean;
}

export default async function boardExecutor(options: BoardExecutorOptions, { root }: ExecutorContext) {
  const abort = new AbortController();
  const stop = (): void => abort.abort();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    return await inWorkspace(root, {}, async (context) => {
      const { output, port, json } = options;
      const text = await runBoard(context, {
        ...(output === undefined ? {} : { output }),
        ...(port === undefined ? {} : { port }),
        ...(json ? { json } : {}),
        signal: abort.signal,
        said: (line) => process.stdout.write(`${line}\n`),
      });
      return { success: true, data: undefined, text };
    });
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}
