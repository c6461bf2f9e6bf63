declare module 'npm-packlist' {
  import type { EventEmitter } from 'node:events';
  import type { Stats } from 'node:fs';

  export interface Tree {
    path: string;
    package: object;
    isProjectRoot: true;
    edgesOut: Map<string, never>;
  }
  export interface WalkOptions {
    isPackage?: boolean;
    prefix?: string;
    workspaces?: string[];
  }
  export interface Found {
    st: Stats;
    entry: string;
    /** The rules take it, were it a file. */
    file: boolean;
    /** The rules take it, were it a folder. */
    dir: boolean;
  }
  export class Walker extends EventEmitter<{ done: [Set<string>]; error: [Error] }> {
    constructor(tree: Tree, options?: WalkOptions);
    readonly tree: Tree;
    readonly path: string;
    readonly root: string;
    start(): this;
    protected onstat(
      found: { st: Stats; entry: string; file: boolean; dir: boolean },
      then: () => void,
    ): void;
    protected walker(entry: string, options: object, then: () => void): void;
    protected walkerOpt(entry: string, options: object): WalkOptions;
  }
  const packlist: { Walker: typeof Walker };
  export default packlist;
}
