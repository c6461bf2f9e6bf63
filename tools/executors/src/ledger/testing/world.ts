import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openRepository } from '../../git/index.ts';
import { openLedger, type OpenLedger } from '../index.ts';
import type { Ledger, LedgerState, RecordBody } from '../types.ts';

const execute = promisify(execFile);
export const BRANCH = 'sluice/ledger';

/** A folder with a bare remote and clones of it, for tests against real git. */
export interface World {
  folder: string;
  remote: string;
  git(cwd: string, ...args: string[]): Promise<string>;
  /** A clone with one commit that the remote has too. */
  clone(name: string, ...how: string[]): Promise<string>;
  ledger(clone: string, options?: Partial<OpenLedger>): Promise<Ledger>;
  remove(): Promise<void>;
}

export async function makeWorld(): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-ledger-'));
  const remote = join(folder, 'remote.git');
  const git = async (cwd: string, ...args: string[]) =>
    (await execute('git', args, { cwd, env: { ...process.env, ...PERSON } })).stdout.trimEnd();
  await git(folder, 'init', '--quiet', '--bare', '--initial-branch=main', remote);
  await git(folder, 'init', '--quiet', '--initial-branch=main', 'first');
  await writeFile(join(folder, 'first', 'README.md'), 'sources\n');
  await git(join(folder, 'first'), 'add', '.');
  await git(join(folder, 'first'), 'commit', '--quiet', '-m', 'First commit');
  await git(join(folder, 'first'), 'push', '--quiet', remote, 'main');
  return {
    folder,
    remote,
    git,
    clone: async (name, ...how) => {
      await git(folder, 'clone', '--quiet', ...how, remote, name);
      return join(folder, name);
    },
    ledger: async (clone, options = {}) =>
      openLedger({
        repository: await openRepository(clone),
        branch: BRANCH,
        remote: 'origin',
        push: true,
        repositoryIdentity: 'example.com/acme/shop',
        requireSignature: false,
        ...options,
      }),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

export const PERSON = {
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.com',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.com',
};

export const held = (version: string, reason = 'a test') =>
  ({
    type: 'held',
    pipeline: 'packages',
    stage: 'test',
    registry: 'registry.example.com',
    project: 'money',
    name: 'money',
    version,
    integrity: `sha512-${version}`,
    reason,
  }) satisfies RecordBody;

/** Records the version unless it is there, as every caller of `append` does. */
export const once = (version: string) => (state: LedgerState) =>
  state.hold('money', version) ? [] : [held(version)];
