import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a host keeps of `api` in `staging`, below the root of its state. */
export function stateFolder(root: string) {
  const folder = () => join(root, 'api/staging');
  return {
    folder,
    /** A file's text; empty where there is none. */
    read(file: string): string {
      try {
        return readFileSync(join(folder(), file), 'utf8');
      } catch {
        return '';
      }
    },
  };
}
