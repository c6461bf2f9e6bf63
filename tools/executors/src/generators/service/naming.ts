import { errors } from '../../foundation/index.ts';
import { folderIn, folderOf, scopeOf, type Sibling } from '../workspace.ts';
import type { ServiceSchema } from './types.ts';

export interface Naming {
  packageName: string;
  projectName: string;
  directory: string;
}

/** As project, image repository, compose service and folder of a host. */
const SPELLING = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
/** `db` is the database beside it, the others are ours on hosts and in registries. */
const RESERVED = new Set(['db', 'images', 'proxy', 'sluice-proxy', 'node-modules']);
const LONGEST = 40;

/**
 * What the service is called and where it goes. Siblings lend it their scope and their folder.
 * @param root name of the workspace's own project
 * @throws SERVICE_SPELLING, NAME_RESERVED, PROJECT_TAKEN, FOLDER_OUTSIDE
 */
export function nameOf(schema: ServiceSchema, siblings: readonly Sibling[], root?: string): Naming {
  const [, ownScope, bare = ''] = /^(?:(@[^/]+)\/)?(.*)$/s.exec(schema.name.trim()) ?? [];
  const scope = (schema.scope ?? ownScope ?? scopeOf(siblings))?.replace(/^@?/, '@');
  if (!SPELLING.test(bare) || bare.length > LONGEST || (scope && !/^@[a-z0-9][a-z0-9._-]*$/.test(scope)))
    throw errors.SERVICE_SPELLING({ name: schema.name.trim() });
  if (RESERVED.has(bare)) throw errors.NAME_RESERVED({ name: bare });
  const folder = folderOf(siblings.filter(({ kind }) => kind === 'service')) ?? 'apps';
  const directory = folderIn(schema.directory ?? `${folder}/${bare}`);
  const packageName = scope ? `${scope}/${bare}` : bare;
  const taken = siblings.find(
    (other) => other.root !== directory && (other.project === bare || other.name === packageName),
  );
  if (taken ?? root === bare) throw errors.PROJECT_TAKEN({ name: bare, folder: taken?.root ?? '.' });
  return { packageName, projectName: bare, directory };
}
