import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PROVENANCE_FILE } from '../artifact/index.ts';
import { writeWhole } from '../foundation/index.ts';

/** The bundle that lies beside an artifact, if one does. */
export async function readProvenanceFile(folder: string): Promise<string | undefined> {
  return readFile(join(folder, PROVENANCE_FILE), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

export async function writeProvenanceFile(folder: string, bundle: string): Promise<void> {
  await writeWhole(join(folder, PROVENANCE_FILE), bundle);
}
