import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { errors, SluiceError } from '../../foundation/index.ts';
import { FETCH, withoutCredentials, type Repository } from '../../git/index.ts';
import { pushArguments } from '../../ledger/index.ts';

/**
 * A look at the remote with the credentials and settings of this clone, and without a trace in it: what has to be fetched goes
 * to a folder for objects that is gone afterwards, as git itself keeps a push apart until its hooks agree, and no ref moves.
 */
export interface Reading extends Pick<Repository, 'show' | 'showBytes'> {
  /** The remote's default branch as it is now. @throws POLICY_UNREACHABLE */
  defaultBranch(): Promise<{ branch: string; commit: string }>;
  /** Head of a branch at the remote; undefined where it has none of that name. @throws GIT_REMOTE_UNREACHABLE */
  head(branch: string): Promise<string | undefined>;
  /** Brings a commit with its history. @throws GIT_REMOTE_UNREACHABLE */
  bring(commit: string): Promise<void>;
  isAncestor(ancestor: string, commit: string): Promise<boolean>;
  /** What the remote says to a push, without pushing. */
  tryPush(commit: string, branch: string): Promise<{ code: number; said: string }>;
  close(): Promise<void>;
}

export async function openReading(repository: Repository, remote: string): Promise<Reading> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-doctor-'));
  const env = {
    GIT_OBJECT_DIRECTORY: folder,
    GIT_ALTERNATE_OBJECT_DIRECTORIES: [
      join(repository.commonDir, 'objects'),
      ...(process.env['GIT_ALTERNATE_OBJECT_DIRECTORIES']?.split(delimiter) ?? []),
    ].join(delimiter),
  };
  const closed = new AbortController();
  const { signal } = closed;
  const call = (args: readonly string[]) => repository.call(args, { env, signal });
  const unreachable = (said: string): SluiceError =>
    errors.GIT_REMOTE_UNREACHABLE({ remote: withoutCredentials(remote), said }, { transient: true });

  const has = async (commit: string): Promise<boolean> =>
    (await call(['cat-file', '-e', `${commit}^{commit}`])).code === 0;

  async function bring(commit: string): Promise<void> {
    if (await has(commit)) return;
    const { code, stderr } = await call([...FETCH, '--', remote, commit]);
    if (code !== 0) throw unreachable(stderr);
  }

  async function showBytes(commit: string, path: string): Promise<Buffer | undefined> {
    const entry = await repository.run(['ls-tree', '-z', '--full-tree', commit, '--', path], { env, signal });
    const blob = /^\d+ blob ([0-9a-f]+)\t/.exec(entry)?.[1];
    if (blob === undefined) return undefined;
    const chunks: Buffer[] = [];
    const onStdout = (chunk: Buffer) => void chunks.push(chunk);
    await repository.run(['cat-file', 'blob', blob], { env, signal, onStdout });
    return Buffer.concat(chunks);
  }

  return {
    showBytes,
    show: async (commit, path) => (await showBytes(commit, path))?.toString('utf8'),
    bring,
    defaultBranch: async () => {
      const known = (await repository.run(['remote'])).split('\n');
      if (!known.includes(remote))
        throw errors.POLICY_UNREACHABLE({ remote, reason: 'there is no such remote' });
      const { code, stdout, stderr } = await call(['ls-remote', '--symref', '--', remote, 'HEAD']);
      const branch = /^ref: refs\/heads\/(.+)\tHEAD$/m.exec(stdout)?.[1];
      const commit = /^([0-9a-f]{40,64})\tHEAD$/m.exec(stdout)?.[1];
      if (code !== 0) throw errors.POLICY_UNREACHABLE({ remote, reason: stderr });
      if (!branch || !commit) throw errors.DEFAULT_BRANCH_UNKNOWN({ remote: withoutCredentials(remote) });
      await bring(commit);
      return { branch, commit };
    },
    head: async (branch) => {
      const ref = `refs/heads/${branch}`;
      const { code, stdout, stderr } = await call(['ls-remote', '--', remote, ref]);
      if (code !== 0) throw unreachable(stderr);
      const line = stdout.split('\n').find((one) => one.endsWith(`\t${ref}`));
      return line?.split('\t')[0];
    },
    isAncestor: async (ancestor, commit) =>
      (await call(['merge-base', '--is-ancestor', ancestor, commit])).code === 0,
    tryPush: async (commit, branch) => {
      const { code, stdout, stderr } = await call(pushArguments(remote, commit, branch, true));
      return { code, said: withoutCredentials([stderr, refusedLines(stdout)].filter(Boolean).join('\n')) };
    },
    close: async () => {
      // A remote that never answers would hold the process.
      closed.abort();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Of a push's porcelain, the lines with its refusals. */
const refusedLines = (stdout: string): string =>
  stdout
    .split('\n')
    .filter((line) => line.startsWith('!'))
    .join('\n');
