import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { errors } from '../foundation/index.ts';

/** The nearest folder upwards with an nx.json. @throws NO_WORKSPACE */
export function workspaceRoot(from: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'nx.json'))) return folder;
    if (dirname(folder) === folder) throw errors.NO_WORKSPACE({ folder: from });
  }
}
