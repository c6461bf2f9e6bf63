import type { ExecutorContext } from '@nx/devkit';
import type { BuilderName } from '../../../artifact/image/index.ts';

export interface BuildOptions {
  outputPath?: string;
  dryRun?: boolean;
  outputFile?: string;
  /** For images: the tool that builds them. */
  builder?: BuilderName;
  pull?: boolean;
  noCache?: boolean;
}

export type Workspace = Pick<ExecutorContext, 'root' | 'projectsConfigurations' | 'projectGraph'>;

export interface BuildHow {
  /** A line of a tool that works on a project, as it comes. */
  onLine(project: string, line: string): void;
  signal: AbortSignal;
}

/** Builds one project, and returns what to tell a person. */
export type BuildProject = (project: string, options: BuildOptions) => Promise<string>;

/** One kind of artifact: what makes a project one of it, and how it is built. */
export interface Kind {
  /** @param folder of the project, absolute */
  claims(folder: string): boolean;
  /** Reads once what all projects of the kind need. */
  open(workspace: Workspace, how: BuildHow): Promise<BuildProject>;
}
