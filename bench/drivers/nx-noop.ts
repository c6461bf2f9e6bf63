import type { Outcome } from '../commands.ts';
import { runCommand, toolEnv } from '../commands.ts';
import { NX, startDaemon, stopDaemon } from '../daemon.ts';
import type { Workspace } from '../workspace.ts';

/** Nx's own time: one `nx:noop` task a package, in graph order. Nothing that runs under Nx can be quicker. */
export async function nxNoop(
  { tree, folder }: Workspace,
  options: { daemon: boolean; budgetMs: number; onStart?: (pid: number) => void },
): Promise<Outcome> {
  const env = toolEnv(folder, { NX_DAEMON: String(options.daemon) });
  const { onStart, budgetMs } = options;
  try {
    if (options.daemon) await startDaemon(tree, env);
    return await runCommand([...NX, 'run-many', '-t', 'noop'], {
      cwd: tree,
      env,
      budgetMs,
      ...(onStart ? { onStart } : {}),
    });
  } finally {
    if (options.daemon) await stopDaemon(tree);
  }
}
