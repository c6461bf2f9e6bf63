import { randomUUID } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Writes a file in one step, beside it and then into its place: a reader sees the old content or the new one, whatever happens. */
export async function writeWhole(
  file: string,
  content: string | Uint8Array | Uint8Array[],
  { mode = 0o666 }: { mode?: number } = {},
): Promise<void> {
  const partial = join(dirname(file), `.partial-${randomUUID()}`);
  try {
    await writeFile(partial, content, { mode, flag: 'wx' });
    await rename(partial, file);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}
