import type { Outcome } from '../commands.ts';
import { mustRun, runCommand, toolEnv } from '../commands.ts';
import type { Workspace } from '../workspace.ts';

const NX = ['node', 'node_modules/.bin/nx'];

/** Nx's own time: one `nx:noop` task a package, in graph order. Nothing that runs under Nx can be quicker. */
export async function nxNoop(
  workspace: Workspace,
  options: { daemon: boolean; budgetMs: number; onStart?: (pid: number) => void },
): Promise<Outcome> {
  const env = toolEnv(workspace.folder, { NX_DAEMON: String(options.daemon) });
  const cwd = workspace.tree;
  const { onStart } = options;
  try {
    // A daemon is not started by the command that a person waits for: it runs already.
    if (options.daemon) await mustRun([...NX, 'show', 'projects'], cwd, env);
    return await runCommand([...NX, 'run-many', '-t', 'noop'], {
      cwd,
      env,
      budgetMs: options.budgetMs,
      ...(onStart ? { onStart } : {}),
    });
  } finally {
    if (options.daemon) await mustRun([...NX, 'daemon', '--stop'], cwd, env);
  }
}
