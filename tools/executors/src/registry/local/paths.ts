import { join } from 'node:path';

/** Where everything of the local registries lies: below `.sluice/local`, which git ignores. */
export interface LocalPaths {
  folder: string;
  /** Address and secret of the running server; there while it takes leases. */
  state: string;
  /** Held by the one server process of this workspace. */
  lock: string;
  log: string;
  /** Tokens of the running registries as an `.npmrc`, for people. */
  npmrc: string;
  /** The local profile's ledger: what it says is about these registries alone. */
  ledger: string;
}

export function localPaths(workspaceRoot: string): LocalPaths {
  const folder = join(workspaceRoot, '.sluice', 'local');
  const at = (name: string): string => join(folder, name);
  return {
    folder,
    state: at('registries.json'),
    lock: at('registries.lock'),
    log: at('registries.log'),
    npmrc: at('npmrc'),
    ledger: at('ledger.git'),
  };
}

/** What one stage's registry keeps between commands. */
export interface StagePaths {
  folder: string;
  storage: string;
  htpasswd: string;
  /** User, password and token (0600); they stay the same, so that a token once handed out stays valid. */
  credentials: string;
}

export function stagePaths(paths: LocalPaths, stage: string): StagePaths {
  const folder = join(paths.folder, stage);
  const at = (name: string): string => join(folder, name);
  return { folder, storage: at('storage'), htpasswd: at('htpasswd'), credentials: at('credentials.json') };
}
