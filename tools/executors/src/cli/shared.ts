import { errors, type ExitCode } from '../foundation/index.ts';
import type { Context } from '../promotion/context.ts';
import type { Request } from '../promotion/plan.ts';
import { packageNamed } from '../promotion/rollback.ts';

/** What a command gets: the opened workspace, and standard output for the answer alone. */
export interface Door {
  context: Context;
  signal: AbortSignal;
  /** The answer. Nothing else goes to standard output. */
  answer(text: string): void;
  /** Progress and prose, on standard error. */
  say(text: string): void;
}
export type Action = (door: Door) => Promise<ExitCode>;

export type Perform = (action: Action, given?: { key?: string; as?: string }) => Promise<void>;

/** What was named on the command line as requests; undefined (all) where nothing was. Throws PACKAGE_UNKNOWN. */
export async function packageRequests(
  context: Context,
  packages: string[],
  version?: string,
): Promise<Request[] | undefined> {
  if (packages.length === 0 && version) throw errors.VERSION_WITHOUT_PACKAGE({ version });
  if (packages.length === 0) return undefined;
  const state = await (await context.ledger()).refresh();
  return packages.map((given) => {
    const name = packageNamed(state, given);
    return { name, project: state.project(name) ?? name, ...(version ? { version } : {}) };
  });
}
