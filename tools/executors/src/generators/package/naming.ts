import { errors } from '../../foundation/index.ts';
import { folderIn, folderOf, scopeOf, type Sibling } from '../workspace.ts';

export interface PackageSchema {
  name: string;
  scope?: string;
  directory?: string;
  description?: string;
  /** Keeps the public API in api.txt; unless said yes for a new package, and no for an adopted one. */
  api?: boolean;
}
export interface Naming {
  packageName: string;
  projectName: string;
  directory: string;
}

const PART = /^[a-z0-9][a-z0-9._-]*$/;
/** Folders of these names are ignored by git, or cannot be made on Windows. */
const RESERVED = /^(node_modules|dist|con|prn|aux|nul|com\d|lpt\d)(\.|$)/;

/**
 * What the package is called and where it goes. Siblings lend it their scope and their folder.
 * @param root name of the workspace's own project
 * @throws PACKAGE_SPELLING, PACKAGE_NAME_RESERVED, SCOPE_MISSING, PROJECT_TAKEN, FOLDER_OUTSIDE
 */
export function nameOf(schema: PackageSchema, siblings: readonly Sibling[], root?: string): Naming {
  const [, ownScope, bare] = /^(?:(@[^/]+)\/)?(.*)$/s.exec(schema.name.trim()) ?? [];
  const said =
    schema.scope ??
    ownScope ??
    scopeOf(siblings.filter(({ kind }) => kind === 'package')) ??
    scopeOf(siblings);
  if (!said) throw errors.SCOPE_MISSING({ name: schema.name });
  const scope = said.replace(/^@?/, '@');
  const projectName = bare ?? '';
  const packageName = `${scope}/${projectName}`;
  if (!PART.test(projectName) || !PART.test(scope.slice(1)) || packageName.length > 214) {
    throw errors.PACKAGE_SPELLING({ name: packageName });
  }
  if (RESERVED.test(projectName)) throw errors.PACKAGE_NAME_RESERVED({ name: projectName });
  const folder = folderOf(siblings.filter(({ kind }) => kind === 'package')) ?? 'libs';
  const directory = folderIn(schema.directory ?? `${folder}/${projectName}`);
  const taken = siblings.find(
    (other) => other.root !== directory && (other.project === projectName || other.name === packageName),
  );
  if (taken ?? root === projectName)
    throw errors.PROJECT_TAKEN({ name: projectName, folder: taken?.root ?? '.' });
  return { packageName, projectName, directory };
}
