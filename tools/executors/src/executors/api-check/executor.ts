import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { ExecutorContext, TaskGraph } from '@nx/devkit';
import { checkApi, type ApiReport } from '../../api/index.ts';
import { asSluiceError, redact } from '../../foundation/index.ts';

interface ApiCheckOptions {
  update?: boolean;
  dryRun?: boolean;
  outputFile?: string;
}
type Context = Pick<ExecutorContext, 'root' | 'projectName' | 'projectsConfigurations'>;

/** Fails where the public API of the project differs from its api.txt. */
export default async function apiCheck(
  options: ApiCheckOptions,
  context: Context,
  out: { stdout: Pick<NodeJS.WriteStream, 'write'>; stderr: Pick<NodeJS.WriteStream, 'write'> } = process,
): Promise<{ success: boolean }> {
  const { success, text } = await check(context, context.projectName ?? '', options);
  (success ? out.stdout : out.stderr).write(text);
  return { success };
}

/** Many in one process: the compiler is loaded once. */
export async function* batch(
  graph: TaskGraph,
  inputs: Record<string, ApiCheckOptions>,
  _overrides: unknown,
  context: Context,
) {
  for (const { id, target } of Object.values(graph.tasks)) {
    const startTime = Date.now();
    const { success, text } = await check(context, target.project, inputs[id] ?? {});
    yield { task: id, result: { success, terminalOutput: text, startTime, endTime: Date.now() } };
  }
}

async function check(
  { root: workspaceRoot, projectsConfigurations }: Context,
  project: string,
  { update, dryRun, outputFile }: ApiCheckOptions,
): Promise<{ success: boolean; text: string }> {
  try {
    const root = projectsConfigurations.projects[project]?.root ?? '.';
    const report = await checkApi({
      workspaceRoot,
      root,
      project,
      ...(update ? { update } : {}),
      ...(dryRun ? { dryRun } : {}),
    });
    if (outputFile) {
      const file = resolve(workspaceRoot, outputFile);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, `${JSON.stringify(report, undefined, 2)}\n`);
    }
    return { success: true, text: said(report, dryRun) };
  } catch (thrown) {
    return { success: false, text: redact(`${asSluiceError(thrown).format()}\n`) };
  }
}

function said({ name, added, removed, written }: ApiReport, dryRun?: boolean): string {
  if (added.length + removed.length === 0) return `${name}: the public API is as api.txt says\n`;
  const lines = [...removed.map((line) => `  - ${line}`), ...added.map((line) => `  + ${line}`)];
  const what =
    written || !dryRun ? 'api.txt was written; commit it with the change' : 'api.txt would be written';
  return `${name}: ${what}\n${lines.join('\n')}\n`;
}
