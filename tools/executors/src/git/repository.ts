import { existsSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { errors } from '../foundation/index.ts';
import { changesBetween, type Change } from './changes.ts';
import { normaliseRemote, withoutCredentials } from './identity.ts';
import { callGit, runGit, type RunOptions } from './run.ts';

/** A git repository, read and written by plumbing; nothing in here touches the work tree, the index or HEAD. */
export interface Repository {
  /** Top of the work tree; '' where there is none. */
  readonly root: string;
  readonly gitDir: string;
  /** The git folder that all work trees share. */
  readonly commonDir: string;
  /** Standard output of a git command as text; GIT_FAILED where its exit code is not in `okCodes`. */
  run(args: readonly string[], options?: RunOptions): Promise<string>;
  /** A git command with its exit code left to the caller. */
  call(
    args: readonly string[],
    options?: RunOptions,
  ): Promise<{ code: number; stdout: string; stderr: string }>;
  /** Full hash of HEAD; undefined before the first commit. */
  head(): Promise<string | undefined>;
  /** Short name of the branch; undefined where HEAD is detached. */
  branch(): Promise<string | undefined>;
  /** Whether there are changes, staged or not, or untracked files, in all or in these paths. */
  isDirty(paths?: readonly string[]): Promise<boolean>;
  isShallow(): Promise<boolean>;
  /** A file as of a commit; undefined where that commit has no such file. */
  show(commit: string, path: string): Promise<string | undefined>;
  showBytes(commit: string, path: string): Promise<Buffer | undefined>;
  /** GIT_SHALLOW where the answer lies behind the edge of a shallow clone. */
  isAncestor(ancestor: string, commit: string): Promise<boolean>;
  /** First commit of HEAD's first-parent line. */
  rootCommit(): Promise<string>;
  /** `host/owner/name` of the remote, `file:<name>` for one on this machine, `root:<first commit>` without one. */
  identity(remote?: string): Promise<string>;
  /** Name of the branch that the remote's HEAD points to; asks the remote. */
  defaultBranch(remote: string): Promise<string>;
  /** Brings the remote's default branch as it is now, into refs/sluice/policy/<branch>. */
  fetchDefaultBranch(remote: string): Promise<{ branch: string; commit: string }>;
  /** Commits in `base..head` (all up to `head` without `base`) that touch the paths, newest first. */
  changesBetween(base: string | undefined, head: string, paths: readonly string[]): Promise<Change[]>;
  /** Makes the tag; `present` where it names this commit already, TAG_ELSEWHERE where it names another. */
  tag(name: string, commit: string, message?: string): Promise<'created' | 'present'>;
  /** Hash of the tree without files, for comparing with nothing. */
  emptyTree(): Promise<string>;
  /** One value of git's configuration; undefined where it is not set. */
  config(key: string, type?: 'path' | 'bool'): Promise<string | undefined>;
}

/** The repository around a folder. @throws NO_GIT_REPOSITORY, GIT_MISSING */
export async function openRepository(cwd: string): Promise<Repository> {
  if (!existsSync(cwd)) throw errors.NO_GIT_REPOSITORY({ folder: cwd, said: 'there is no such folder' });
  const { code, stdout, stderr } = await callGit(cwd, [
    'rev-parse',
    '--path-format=absolute',
    '--git-dir',
    '--git-common-dir',
    '--is-inside-work-tree',
    '--path-format=relative',
    '--show-cdup',
  ]);
  if (code !== 0) throw errors.NO_GIT_REPOSITORY({ folder: cwd, said: stderr });
  const [gitDir, commonDir, inside, cdup] = stdout.toString('utf8').split('\n') as [
    string,
    string,
    string,
    string,
  ];
  return new GitRepository(inside === 'true' ? resolve(realpathSync(cwd), cdup) : '', gitDir, commonDir);
}

/** A bare repository, made where there is none yet. */
export async function openBareRepository(gitDir: string, initialBranch: string): Promise<Repository> {
  if (!existsSync(join(gitDir, 'HEAD'))) {
    const args = [
      'init',
      '--bare',
      '--quiet',
      '--template=',
      `--initial-branch=${initialBranch}`,
      '--',
      gitDir,
    ];
    await runGit(process.cwd(), args);
  }
  return new GitRepository('', gitDir, gitDir);
}

class GitRepository implements Repository {
  readonly root: string;
  readonly gitDir: string;
  readonly commonDir: string;

  constructor(root: string, gitDir: string, commonDir: string) {
    this.root = root;
    this.gitDir = gitDir;
    this.commonDir = commonDir;
  }

  async run(args: readonly string[], options?: RunOptions): Promise<string> {
    return (await runGit(this.#cwd, this.#args(args), options)).stdout.toString('utf8');
  }

  async call(args: readonly string[], options?: RunOptions) {
    const { code, stdout, stderr } = await callGit(this.#cwd, this.#args(args), options);
    return { code, stdout: stdout.toString('utf8'), stderr: withoutCredentials(stderr) };
  }

  async head(): Promise<string | undefined> {
    return this.#commit('HEAD');
  }

  async branch(): Promise<string | undefined> {
    return line(await this.run(['symbolic-ref', '--quiet', '--short', 'HEAD'], { okCodes: [0, 1] }));
  }

  async isDirty(paths: readonly string[] = []): Promise<boolean> {
    if (this.root === '') return false;
    const args = ['status', '--porcelain=v1', '-z', '--untracked-files=normal', '--', ...paths];
    return (await this.run(args)) !== '';
  }

  async isShallow(): Promise<boolean> {
    return line(await this.run(['rev-parse', '--is-shallow-repository'])) === 'true';
  }

  async show(commit: string, path: string): Promise<string | undefined> {
    return (await this.showBytes(commit, path))?.toString('utf8');
  }

  async showBytes(commit: string, path: string): Promise<Buffer | undefined> {
    if ((await this.#commit(commit)) === undefined) throw errors.COMMIT_UNKNOWN({ commit });
    // "<mode> <type> <hash>\t<path>"
    const entry = await this.run(['ls-tree', '-z', '--full-tree', commit, '--', path]);
    const blob = /^\d+ blob ([0-9a-f]+)\t/.exec(entry)?.[1];
    if (blob === undefined) return undefined;
    return (await runGit(this.#cwd, this.#args(['cat-file', 'blob', blob]))).stdout;
  }

  async isAncestor(ancestor: string, commit: string): Promise<boolean> {
    const { code } = await this.call(['merge-base', '--is-ancestor', ancestor, commit]);
    if (code === 0) return true;
    if (code !== 1 && (await this.#commit(commit)) === undefined) throw errors.COMMIT_UNKNOWN({ commit });
    if (await this.isShallow())
      throw errors.GIT_SHALLOW({ wanted: `whether ${commit} comes after ${ancestor}` });
    return false;
  }

  async rootCommit(): Promise<string> {
    if ((await this.head()) === undefined) throw errors.NO_COMMIT({} as never);
    if (await this.isShallow()) throw errors.GIT_SHALLOW({ wanted: 'the first commit' });
    const roots = await this.run(['rev-list', '--first-parent', '--max-parents=0', 'HEAD']);
    return line(roots) as string;
  }

  async identity(remote = 'origin'): Promise<string> {
    const { code, stdout } = await this.call(['remote', 'get-url', '--', remote]);
    const url = code === 0 ? line(stdout) : undefined;
    return url === undefined ? `root:${await this.rootCommit()}` : normaliseRemote(url);
  }

  async defaultBranch(remote: string): Promise<string> {
    return (await this.#remoteHead(remote)).branch;
  }

  async fetchDefaultBranch(remote: string): Promise<{ branch: string; commit: string }> {
    const { branch, commit } = await this.#remoteHead(remote);
    const ref = `refs/sluice/policy/${branch}`;
    if ((await this.#commit(ref)) === commit) return { branch, commit };
    const fetched = await this.call([...FETCH, '--', remote, commit]);
    if (fetched.code !== 0) throw unreachable(remote, fetched.stderr);
    await this.run(['-c', 'core.filesRefLockTimeout=5000', 'update-ref', ref, commit]);
    return { branch, commit };
  }

  changesBetween(base: string | undefined, head: string, paths: readonly string[]): Promise<Change[]> {
    return changesBetween(this, base, head, paths);
  }

  async tag(name: string, commit: string, message?: string): Promise<'created' | 'present'> {
    const wanted = await this.#commit(commit);
    if (wanted === undefined) throw errors.COMMIT_UNKNOWN({ commit });
    const there = await this.#tagged(name, wanted);
    if (there) return 'present';
    const how = message === undefined ? ['tag', '--no-sign'] : ['tag', '--no-sign', '-a', '-m', message];
    const args = [...how, '--', name, wanted];
    const { code, stderr } = await this.call(args, { env: await this.#identityIfNone() });
    if (code === 0) return 'created';
    // Somebody else may have made it in between.
    if (await this.#tagged(name, wanted)) return 'present';
    throw errors.GIT_FAILED({ command: `git ${args.join(' ')}`, code, said: stderr });
  }

  async emptyTree(): Promise<string> {
    return line(await this.run(['hash-object', '-t', 'tree', '--stdin'], { input: '' })) as string;
  }

  async config(key: string, type?: 'path' | 'bool'): Promise<string | undefined> {
    const args = ['config', ...(type ? [`--type=${type}`] : []), '--get', key];
    return line(await this.run(args, { okCodes: [0, 1] }));
  }

  get #cwd(): string {
    return this.root === '' ? this.gitDir : this.root;
  }

  /** Without a work tree the folder must be named, or git would look for another repository above it. */
  #args(args: readonly string[]): readonly string[] {
    return this.root === '' ? [`--git-dir=${this.gitDir}`, ...args] : args;
  }

  async #commit(name: string): Promise<string | undefined> {
    const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`];
    return line((await this.call(args)).stdout);
  }

  async #tagged(name: string, commit: string): Promise<boolean> {
    const at = await this.#commit(`refs/tags/${name}`);
    if (at === undefined) return false;
    if (at !== commit) throw errors.TAG_ELSEWHERE({ tag: name, at, wanted: commit });
    return true;
  }

  async #identityIfNone(): Promise<NodeJS.ProcessEnv> {
    const { code } = await this.call(['-c', 'user.useConfigOnly=true', 'var', 'GIT_COMMITTER_IDENT']);
    return code === 0 ? {} : { GIT_COMMITTER_NAME: 'sluice', GIT_COMMITTER_EMAIL: 'sluice@sluice.invalid' };
  }

  async #remoteHead(remote: string): Promise<{ branch: string; commit: string }> {
    const { code, stdout, stderr } = await this.call(['ls-remote', '--symref', '--', remote, 'HEAD']);
    if (code !== 0) throw unreachable(remote, stderr);
    const branch = /^ref: refs\/heads\/(.+)\tHEAD$/m.exec(stdout)?.[1];
    const commit = /^([0-9a-f]{40,64})\tHEAD$/m.exec(stdout)?.[1];
    if (!branch || !commit) throw errors.DEFAULT_BRANCH_UNKNOWN({ remote: withoutCredentials(remote) });
    return { branch, commit };
  }
}

/** A fetch that leaves remote-tracking refs, tags and FETCH_HEAD as they are, and brings whole objects. */
export const FETCH = [
  '-c',
  'gc.auto=0',
  '-c',
  'maintenance.auto=false',
  'fetch',
  '--quiet',
  '--no-tags',
  '--no-prune',
  '--no-filter',
  '--no-write-fetch-head',
  '--no-recurse-submodules',
  '--refmap=',
] as const;

function unreachable(remote: string, said: string) {
  return errors.GIT_REMOTE_UNREACHABLE({ remote: withoutCredentials(remote), said }, { transient: true });
}

function line(text: string): string | undefined {
  const end = text.indexOf('\n');
  return (end === -1 ? text : text.slice(0, end)) || undefined;
}
