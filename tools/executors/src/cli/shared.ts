import { createInterface } from 'node:readline/promises';
import { errors, EXIT, type ExitCode } from '../foundation/index.ts';
import type { Context } from '../promotion/context.ts';
import type { Request } from '../promotion/plan.ts';
import type { Kind } from '../promotion/kinds/index.ts';
import { nameOf } from '../promotion/named.ts';

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

/** Exit code of a plan: what is refused or held would fail, a closed gate says so. */
export function planExit(items: { action: string; gate?: { open: boolean } }[]): ExitCode {
  if (items.some((item) => item.action === 'refused' || item.action === 'held')) return EXIT.failed;
  const closed = items.some((item) => item.action === 'promote' && item.gate?.open === false);
  return closed ? EXIT.gateClosed : EXIT.done;
}

/** Asks a person at the terminal; anything but a yes is a no, Ctrl-C and a closed input too. */
export async function ask(question: string, signal: AbortSignal): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const said = await terminal.question(`${question} [y/N] `, { signal });
    return /^y(es)?$/i.test(said.trim());
  } catch {
    process.stderr.write('\n');
    return false;
  } finally {
    terminal.close();
  }
}

/** What was named on the command line as requests; undefined (all) where nothing was. Throws PACKAGE_UNKNOWN, SERVICE_UNKNOWN. */
export async function requestsFor(
  context: Context,
  kind: Kind,
  packages: string[],
  version?: string,
): Promise<Request[] | undefined> {
  if (packages.length !== 1 && version) throw errors.VERSION_WITHOUT_PACKAGE({ version });
  if (packages.length === 0) return undefined;
  const state = await (await context.ledger()).refresh();
  return packages.map((given) => {
    const name = nameOf(kind, state, given);
    return { name, project: state.project(name) ?? name, ...(version ? { version } : {}) };
  });
}
