import type { Repository } from '../git/index.ts';
import type { VersioningName } from '../pipeline/types.ts';

/** A package of the workspace, as its package.json says it now. */
export interface Member {
  /** Name of the Nx project. */
  project: string;
  name: string;
  /** Folder relative to the workspace root, with `/`. */
  root: string;
  version: string;
  /** Whether it can be published at all; the others still have ranges that follow. */
  publishable: boolean;
  manifest: Manifest;
}
export interface Manifest {
  name?: string;
  version?: string;
  private?: boolean;
  nx?: { name?: string };
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

export interface Workspace {
  root: string;
  env: NodeJS.ProcessEnv;
  git: Repository;
  /** A path of the workspace as git names it: the workspace may be a folder of a larger repository. */
  inGit(path: string): string;
  /** Dependencies come before their dependents. */
  members: Member[];
  /** Name of the git tag that a release gets. */
  tagOf(project: string, version: string): string;
}

/** What is wished beside what the history says. */
export interface Wish {
  /** Prereleases under this identifier: `beta`. */
  preid?: string;
}

/** One package that gets a new version. */
export interface Bump {
  project: string;
  name: string;
  root: string;
  from: string;
  to: string;
  /** Release notes in Markdown, without the version as title. */
  notes: string;
}

/** What changed -> which versions -> notes. A versioning tool never publishes and makes no tag; the pipeline does, after proof. */
export interface VersioningTool {
  readonly name: VersioningName;
  /** Reads only. Empty where the history asks for no new version. */
  plan(workspace: Workspace, wish: Wish): Promise<Bump[]>;
  /** Writes versions, ranges in dependents and changelogs into a clean work tree; commits nothing. */
  apply(workspace: Workspace, bumps: Bump[], wish: Wish): Promise<void>;
  /**
   * After the proof and the tags: what the tool itself keeps beside a tag.
   * @param remote where to push that to; undefined where nothing is pushed
   */
  tagged?(
    workspace: Workspace,
    released: { project: string; version: string }[],
    remote: string | undefined,
  ): Promise<void>;
}
