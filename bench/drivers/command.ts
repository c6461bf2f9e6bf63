import { runCommand, toolEnv } from '../commands.ts';
import type { Driver, Run } from './types.ts';

type CommandDriver = Omit<Driver, 'run' | 'again'> & {
  again?: boolean;
  argv: (run: Run) => string[];
  env?: (run: Run) => Record<string, string>;
};

/** A driver that runs one program in the workspace. */
export function commandDriver({ argv, env, again = true, ...rest }: CommandDriver): Driver {
  return {
    ...rest,
    again,
    run: (run) =>
      runCommand(argv(run), {
        cwd: run.workspace.tree,
        env: toolEnv(run.home, env?.(run)),
        budgetMs: run.budgetMs,
        ...(run.onStart ? { onStart: run.onStart } : {}),
      }),
  };
}
