import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FsTree } from 'nx/src/generators/tree.js';
import syncWorkflows from '../../generators/sync-workflows/generator.ts';

/** `npx nx sync`, as far as the workflows go. */
export async function syncHere(root: string): Promise<void> {
  const tree = new FsTree(root, false);
  await syncWorkflows(tree);
  for (const { path, type, content } of tree.listChanges()) {
    const file = join(root, path);
    if (type === 'DELETE') await rm(file);
    else {
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, content ?? '');
    }
  }
}
