import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { BuildOptions } from './types.ts';

/** Absolute folder of a project's artifact. */
export const outputFolder = (
  workspaceRoot: string,
  project: string,
  { outputPath = 'dist/artifacts/{projectName}' }: BuildOptions,
): string => join(workspaceRoot, outputPath.replaceAll('{projectName}', project));

/** Writes result or plan where `--output-file` says. */
export async function save(
  workspaceRoot: string,
  { outputFile }: BuildOptions,
  value: unknown,
): Promise<void> {
  if (!outputFile) return;
  const file = resolve(workspaceRoot, outputFile);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(value, null, 2)}\n`);
}
