import { extname, join } from 'node:path';
import { askChild } from './child.ts';
import { untitled } from './notes.ts';
import type { Bump, VersioningTool, Workspace } from './types.ts';

export interface NxQuestion {
  preid?: string;
  dryRun: boolean;
}
export type NxAnswer = { project: string; from: string; to: string; notes: string }[];

/** `nx release`: conventional commits, or version plans where nx.json turns them on. */
export const nx: VersioningTool = {
  name: 'nx',
  plan: async (workspace, wish) => bumpsOf(workspace, await ask(workspace, { ...wish, dryRun: true })),
  apply: async (workspace, _, wish) => void (await ask(workspace, { ...wish, dryRun: false })),
};

/** In the order of the graph; Nx answers in its own. */
function bumpsOf({ members }: Workspace, answer: NxAnswer): Bump[] {
  const byProject = new Map(answer.map((one) => [one.project, one]));
  return members.flatMap(({ project, name, root, version }) => {
    const bump = byProject.get(project);
    if (!bump) return [];
    const { to } = bump;
    return [{ project, name, root, from: bump.from || version, to, notes: untitled(bump.notes, to) }];
  });
}

function ask({ root, env }: Workspace, question: NxQuestion): Promise<NxAnswer> {
  const file = join(import.meta.dirname, `nx-child${extname(import.meta.filename)}`);
  const command = 'npx nx release --skip-publish --dry-run --verbose';
  return askChild({ file, cwd: root, env, question, tool: 'nx', command });
}
