import { createHash } from 'node:crypto';
import { glob, lstat, readFile, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import type { Migration } from '../../service/types.ts';

/** In any kind of comment: it takes away what the release before needs. */
const CONTRACT = /^[ \t]*(--|\/\/|#)[ \t]*sluice:[ \t]*contract[ \t]*\r?$/m;

const isContract = (text: string): boolean => CONTRACT.test(text);

/**
 * The migration files of a project in the order of their names, which are relative to the part of the glob without wildcards.
 * @param folder of the project, absolute
 */
export async function readMigrations(folder: string, pattern: string | undefined): Promise<Migration[]> {
  if (pattern === undefined) return [];
  const root = `${await realpath(folder)}${sep}`;
  const fixed = fixedPart(pattern);
  const found: Migration[] = [];
  for await (const path of glob(pattern, { cwd: folder })) {
    const file = join(folder, path);
    // A link may lead anywhere; what is deployed lies in the project.
    if (!(await lstat(file)).isFile() || !(await realpath(file)).startsWith(root)) continue;
    const bytes = await readFile(file);
    const name = path.split(sep).join('/');
    found.push({
      name: name.startsWith(fixed) ? name.slice(fixed.length) : name,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      contract: isContract(bytes.toString('utf8')),
    });
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** `db/migrations/` of `./db/migrations/*.sql`. */
function fixedPart(pattern: string): string {
  const parts = pattern.replace(/^\.\//, '').split('/');
  const wild = parts.findIndex((part) => /[*?[\]{}!()@+]/.test(part));
  const fixed = parts.slice(0, wild === -1 ? -1 : wild);
  return fixed.length > 0 ? `${fixed.join('/')}/` : '';
}
