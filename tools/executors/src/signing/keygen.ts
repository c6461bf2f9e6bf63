import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { errors } from '../foundation/index.ts';
import { execute, type Outcome } from '../git/index.ts';

/** The namespace of our signatures: one made for anything else does not count here. */
export const NAMESPACE = 'sluice';

/** The one gate to ssh-keygen; the exit code is the caller's to judge. */
export async function sshKeygen(
  args: readonly string[],
  input?: string | Uint8Array,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Outcome> {
  try {
    // Instants in an allowed signers file mean the same on every machine.
    return await execute('ssh-keygen', args, { env: { ...env, LC_ALL: 'C', TZ: 'UTC' }, input });
  } catch (cause) {
    throw errors.SSH_KEYGEN_MISSING({}, { cause });
  }
}

/** Runs with files that only this user can read, in a folder that is gone afterwards. */
export async function withPrivateFiles<T>(
  contents: Record<string, string | Uint8Array>,
  run: (paths: Record<string, string>) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-sign-'));
  try {
    const paths: Record<string, string> = {};
    for (const [name, content] of Object.entries(contents)) {
      const path = join(folder, name);
      await writeFile(path, content, { mode: 0o600 });
      paths[name] = path;
    }
    return await run(paths);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
