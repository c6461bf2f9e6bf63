import { deprecationRights, keepsVersions } from './keep.ts';
import type { LocalPaths, StagePaths } from './paths.ts';

/** The part of Verdaccio's configuration that we know; a file of the workspace may hold more. */
export interface VerdaccioConfig {
  listen?: unknown;
  auth?: Record<string, Record<string, unknown> | undefined>;
  packages?: Record<string, { access?: string; publish?: string; unpublish?: string }>;
  [option: string]: unknown;
}

/** The one user of every local registry. */
export const USER = 'sluice';
const FIRST_PORT = 4873;

/**
 * The configuration of a stage that has no file in `verdaccio/`. Rights differ by the stage's place in the pipeline, as they do
 * in the files: the first wants a login for everything, those between their own user, the last is open to read and keeps what it has.
 */
export function templateConfig(index: number, count: number): VerdaccioConfig {
  return {
    listen: `127.0.0.1:${FIRST_PORT + index}`,
    auth: { htpasswd: { max_users: -1 } },
    uplinks: {},
    packages: { '**': rights(index, count) },
    max_body_size: '512mb',
    web: { enable: false },
    server: { keepAliveTimeout: 60 },
  };
}

function rights(index: number, count: number): { access: string; publish: string; unpublish: string } {
  if (index === 0)
    return { access: '$authenticated', publish: '$authenticated', unpublish: '$authenticated' };
  // No such user can ever be: nobody may register, and the only one is ours. Deprecations are let through, see keep.ts.
  if (index === count - 1) return { access: '$all', publish: '$authenticated', unpublish: 'nobody' };
  return { access: USER, publish: USER, unpublish: USER };
}

/** The configuration to run: rights and limits as in the file, everything that names a place on this machine as we keep it. */
export function runConfig(config: VerdaccioConfig, paths: StagePaths, local: LocalPaths): VerdaccioConfig {
  return {
    ...config,
    packages: keepsVersions(config) ? deprecationRights(config.packages) : config.packages,
    configPath: `${local.folder}/verdaccio.yaml`,
    self_path: `${local.folder}/verdaccio.yaml`,
    listen: undefined,
    storage: paths.storage,
    auth: { ...config.auth, htpasswd: { ...config.auth?.['htpasswd'], file: paths.htpasswd } },
    // Standard output of the server process is its log file.
    log: { type: 'stdout', format: 'json', level: 'error' },
  };
}

/** The port that a configuration asks for ("127.0.0.1:4873", 4873, "http://localhost:4873/"); 0 where it names none. */
export function preferredPort({ listen }: VerdaccioConfig): number {
  const first: unknown = Array.isArray(listen) ? listen[0] : listen;
  const [, port] = /(?:^|:)(\d+)\/?$/.exec(String(first ?? '')) ?? [];
  return Number(port ?? 0);
}
