import { errors } from '../../foundation/index.ts';
import { folderOf, scopeOf, type Sibling } from '../workspace.ts';

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

/**
 * What the package is called and where it goes. Siblings lend it their scope and their folder.
 * @throws PACKAGE_SPELLING, SCOPE_MISSING, PROJECT_TAKEN
 */
export function nameOf(schema: PackageSchema, siblings: readonly Sibling[]): Naming {
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
  const folder = folderOf(siblings.filter(({ kind }) => kind === 'package')) ?? 'libs';
  const directory = (schema.directory ?? `${folder}/${projectName}`).replace(/^\.\//, '').replace(/\/+$/, '');
  const taken = siblings.find(
    (other) => other.root !== directory && (other.project === projectName || other.name === packageName),
  );
  if (taken) throw errors.PROJECT_TAKEN({ name: projectName, folder: taken.root });
  return { packageName, projectName, directory };
}
