import { logger, readJson, writeJson, type Tree } from '@nx/devkit';
import { errors } from '../../foundation/index.ts';
import { isPublishable } from '../../plugin/projects.ts';
import type { Naming } from './naming.ts';

type Manifest = Record<string, unknown>;

/**
 * A package.json that is there already, made one of a package that is published: what it says stays, but `private`.
 * @returns whether anything was missing
 * @throws FOLDER_TAKEN where it is another package's
 */
export function adopt(tree: Tree, { packageName, directory }: Naming, license: string): boolean {
  const file = `${directory}/package.json`;
  const before = readJson<Manifest>(tree, file);
  if (before['name'] !== undefined && before['name'] !== packageName)
    throw errors.FOLDER_TAKEN({ folder: directory });
  for (const note of lacking(before)) logger.warn(`Sluice: ${file} ${note}`);
  if (isPublishable(before)) return false;
  const { private: _, name: _name, version = '0.1.0', ...rest } = before;
  writeJson(tree, file, { name: packageName, version, license, ...rest });
  return true;
}

/** What people who install it would miss, and a generator cannot know. */
function lacking(manifest: Manifest): string[] {
  const entry = manifest['exports'] ?? manifest['main'] ?? manifest['bin'];
  return [
    ...(entry === undefined
      ? ['has neither "exports", "main" nor "bin": nothing of it can be imported or run']
      : []),
    ...(manifest['files'] === undefined ? ['has no "files": all that git does not ignore is published'] : []),
  ];
}
