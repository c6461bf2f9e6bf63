import { fork } from 'node:child_process';
import { extname, join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { errors } from '../foundation/index.ts';
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
  return new Promise((resolve, reject) => {
    const child = fork(file, { cwd: root, env, execArgv: [], stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    let prose = '';
    let answer: { found?: NxAnswer; failed?: string } = {};
    const hear = (chunk: Buffer): void => void (prose += chunk.toString());
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    child.once('message', (message) => (answer = message as typeof answer));
    child.once('error', reject);
    child.once('close', () => {
      if (answer.found) return resolve(answer.found);
      const said = stripVTControlCharacters(answer.failed ?? lastLines(prose));
      reject(errors.VERSIONING_FAILED({ tool: 'nx', said, command: 'npx nx release --dry-run --verbose' }));
    });
    child.send(question);
  });
}

/** What a tool said last, where it ended without telling why. */
const lastLines = (prose: string): string => prose.trim().split('\n').slice(-5).join('\n    ');
