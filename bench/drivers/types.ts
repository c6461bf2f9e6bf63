import type { Outcome } from '../commands.ts';
import type { Registry } from '../registries.ts';
import type { Prepared } from '../tarballs.ts';
import type { Workspace } from '../workspace.ts';

/** What a table is about. */
export type Operation = 'publish' | 'promote';

/** The rows that others are compared with, and ours that they are not. */
export type Role = 'floor' | 'engine' | 'us' | 'variant';

/** All that one measured run is given. */
export interface Run {
  workspace: Workspace;
  packages: Prepared[];
  /** Where the packages have to go; empty before the first run. */
  target: Registry;
  /** Holds the packages already; the same as `target` where the operation is `publish`. */
  source: Registry;
  /** Home folder of the programs; its `.npmrc` names `target` as the registry and has both tokens. */
  home: string;
  /** Milliseconds after which the program is ended. */
  budgetMs: number;
  /** Told the process id of what is measured, where that is a program. */
  onStart?: (pid: number) => void;
}

/** One row of a table: something that publishes or promotes. */
export interface Driver {
  /** Its name in `--tools`. */
  id: string;
  operation: Operation;
  /** The exact command line, for the table. */
  title: string;
  role?: Role;
  /** Whether running it again with nothing to do is measured too. */
  again: boolean;
  /** It fills the source registry by itself (in `prepare`), and gets an empty one for each run. */
  ownSource?: boolean;
  /** Files that the tool wants in the workspace; committed before the run. */
  files?: Record<string, string>;
  /** Why it cannot run here; undefined where it can. */
  missing?: () => string | undefined;
  /** Work before the clock starts (once a run, after the workspace was reset). */
  prepare?: (run: Run) => Promise<void>;
  /** What the target must hold afterwards; the packages as `npm pack` makes them by default. */
  expected?: (run: Run) => Promise<{ name: string; version: string; integrity: string }[]>;
  run: (run: Run) => Promise<Outcome>;
  /** Takes back what `prepare` started; the clock has stopped. */
  finish?: (run: Run) => Promise<void>;
}
