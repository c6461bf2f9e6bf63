import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Flow } from '../../promotion/testing/flow.ts';
import { openContext } from '../../promotion/context.ts';
import { diagnose } from '../index.ts';
import type { Checked, Diagnosis } from '../types.ts';

/** A diagnosis of a pipeline, and its checks by title. */
export interface Examined extends Diagnosis {
  /** `verdict: what was said`, and `-> next`. */
  of(title: string, stage?: string): string;
  check(title: string, stage?: string): Checked | undefined;
}

/** Lets the doctor look at a pipeline; `env` changes what it stands in. */
export async function examine(
  flow: Pick<Flow, 'root' | 'env'>,
  { stage, env = {}, limitMs }: { stage?: string; env?: NodeJS.ProcessEnv; limitMs?: number } = {},
): Promise<Examined> {
  const context = await openContext({ workspaceRoot: flow.root, env: { ...flow.env, ...env } });
  try {
    const diagnosis = await diagnose(context, {
      ...(stage ? { stage } : {}),
      ...(limitMs ? { limitMs } : {}),
    });
    const check = (title: string, at?: string) =>
      diagnosis.checks.find((one) => one.title === title && (at === undefined || one.stage === at));
    const of = (title: string, at?: string): string => {
      const found = check(title, at);
      return found
        ? `${found.verdict}: ${found.said}${found.next ? ` -> ${found.next}` : ''}`
        : 'no such check';
    };
    return { ...diagnosis, check, of };
  } finally {
    await context.close();
  }
}

/** Every file below a folder with the hash of its content: the clone with its .git, and the remote beside it. */
export async function everything(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const hashed = await Promise.all(
    files.map(
      async (file) =>
        [
          file,
          createHash('sha256')
            .update(await readFile(file))
            .digest('hex'),
        ] as const,
    ),
  );
  return Object.fromEntries(hashed.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** The clone, its remote, and what the registries hold. */
export async function worldOf(flow: Flow): Promise<Record<string, string>> {
  const folders = [
    dirname(flow.root),
    ...(['github', 'test', 'public'] as const).map((one) => flow.storage(one)),
  ];
  return Object.assign({}, ...(await Promise.all(folders.map(everything)))) as Record<string, string>;
}
