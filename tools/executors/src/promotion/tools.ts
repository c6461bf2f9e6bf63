import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** Versions of what made the artifact, as far as they are found from the workspace; recorded at publish. */
export async function toolVersions(workspaceRoot: string): Promise<Record<string, string>> {
  const from = createRequire(join(workspaceRoot, 'package.json'));
  const tools: Record<string, string> = { node: process.versions.node };
  for (const name of ['nx', 'typescript', '@sluice/nx']) {
    try {
      const file = from.resolve(`${name}/package.json`);
      tools[name] = (JSON.parse(await readFile(file, 'utf8')) as { version: string }).version;
    } catch {
      // Not installed here, so it had no part in it.
    }
  }
  return tools;
}
