import { join } from 'node:path';
import { image } from './image/index.ts';
import { npm } from './npm/index.ts';
import type { BuildHow, BuildProject, Kind, Workspace } from './types.ts';

export type * from './types.ts';

/** The first that claims a project builds it; a package is what nothing else is. */
const KINDS: readonly Kind[] = [image, npm];

/** Builds projects of every kind, one at a time; a kind is opened when the first of its projects comes. */
export function openBuilder(workspace: Workspace, how: BuildHow): BuildProject {
  const opened = new Map<Kind, Promise<BuildProject>>();
  return async (project, options) => {
    const folder = join(workspace.root, workspace.projectsConfigurations.projects[project]?.root ?? '.');
    const kind = KINDS.find((one) => one.claims(folder)) ?? npm;
    const build = opened.get(kind) ?? kind.open(workspace, how);
    opened.set(kind, build);
    return (await build)(project, options);
  };
}
