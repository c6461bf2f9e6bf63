import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type * as TypeScript from 'typescript';
import { errors } from '../foundation/index.ts';
import { API_FILE } from './file.ts';
import { entriesOf, surfaceOf, type Manifest } from './surface.ts';

export interface ApiReport {
  name: string;
  api: string;
  /** Lines of the API that api.txt does not have. */
  added: string[];
  /** Lines of api.txt that the API does not have any more. */
  removed: string[];
  /** Whether api.txt was written. */
  written: boolean;
}
export interface CheckOptions {
  workspaceRoot: string;
  /** Of the package, relative to the workspace root. */
  root: string;
  project: string;
  /** Writes api.txt where it differs. */
  update?: boolean;
  /** With `update`: shows what would be written. */
  dryRun?: boolean;
}

/**
 * Compares what a package exports with its api.txt.
 * @throws API_CHANGED, API_WITHOUT_TYPES, API_NOT_COMPILED, API_COMPILER_MISSING
 */
export async function checkApi(options: CheckOptions): Promise<ApiReport> {
  const { workspaceRoot, root, project, update = false, dryRun = false } = options;
  const folder = join(workspaceRoot, root);
  const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Manifest & {
    name: string;
  };
  const entries = entriesOf(manifest);
  if (entries.length === 0) throw errors.API_WITHOUT_TYPES({ file: `${root}/package.json` });
  const absent = entries.find(({ types }) => !existsSync(join(folder, types)));
  if (absent) throw errors.API_NOT_COMPILED({ file: join(root, absent.types), entry: absent.name, project });
  const surface = surfaceOf(compilerOf(workspaceRoot), folder, entries);
  const api = `${header(manifest.name, project)}\n${surface}\n`;
  const file = join(folder, API_FILE);
  const before = await readFile(file, 'utf8').catch(() => '');
  const { added, removed } = difference(before, api);
  const differs = added.length + removed.length > 0;
  const written = differs && update && !dryRun;
  if (written) await writeFile(file, api);
  if (differs && !update)
    throw errors.API_CHANGED({ name: manifest.name, project, file: `${root}/${API_FILE}`, added, removed });
  return { name: manifest.name, api, added, removed, written };
}

const header = (name: string, project: string): string =>
  `// The public API of ${name}. A change of it is meant: npx nx run ${project}:api-check --update\n`;

/** Lines that one text has and the other has not; comments and the order do not count. Pure. */
export function difference(before: string, after: string): { added: string[]; removed: string[] } {
  const lines = (text: string) =>
    text.split(/\r?\n/).filter((line) => line.trim() !== '' && !/^\/\/ (?!\.|not )/.test(line));
  const [old, now] = [lines(before), lines(after)];
  return { added: without(now, old), removed: without(old, now) };
}

function without(lines: string[], others: string[]): string[] {
  const counts = new Map<string, number>();
  for (const line of others) counts.set(line, (counts.get(line) ?? 0) + 1);
  return lines.filter((line) => {
    const left = counts.get(line) ?? 0;
    counts.set(line, left - 1);
    return left <= 0;
  });
}

/** The workspace's own compiler. @throws API_COMPILER_MISSING where there is none with an API for JavaScript */
function compilerOf(workspaceRoot: string): typeof TypeScript {
  try {
    const ts = createRequire(join(workspaceRoot, 'package.json'))('typescript') as typeof TypeScript;
    if (typeof ts.createProgram === 'function') return ts;
  } catch (cause) {
    throw errors.API_COMPILER_MISSING({}, { cause });
  }
  throw errors.API_COMPILER_MISSING({});
}
