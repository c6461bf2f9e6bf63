import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { normaliseRemote, openRepository, withoutCredentials, type Repository } from './index.ts';

const execute = promisify(execFile);
let folder: string;
let clone: string;
let repository: Repository;

async function git(cwd: string, ...args: string[]): Promise<string> {
  return (await execute('git', args, { cwd })).stdout.trimEnd();
}

async function commit(
  cwd: string,
  file: string,
  author = 'ada@example.com',
  message = file,
): Promise<string> {
  await mkdir(join(cwd, file, '..'), { recursive: true });
  await writeFile(join(cwd, file), `${Math.random()}`);
  await git(cwd, 'add', file);
  await git(cwd, 'commit', '--quiet', `--author=A <${author}>`, '-m', message);
  return git(cwd, 'rev-parse', 'HEAD');
}

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'sluice-git-')));
  await git(folder, 'init', '--quiet', '--bare', '--initial-branch=trunk', 'shop.git');
  await git(folder, 'clone', '--quiet', 'shop.git', 'clone');
  clone = join(folder, 'clone');
  await git(clone, 'config', 'user.name', 'Grace');
  await git(clone, 'config', 'user.email', 'Grace@example.com');
  repository = await openRepository(clone);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('identity', () => {
  it.each([
    ['https://github.com/acme/shop.git', 'github.com/acme/shop'],
    ['https://user:token@GitHub.com/acme/shop', 'github.com/acme/shop'],
    ['https://github.com:443/acme/shop/', 'github.com/acme/shop'],
    ['git@github.com:acme/shop.git', 'github.com/acme/shop'],
    ['ssh://git@github.com/acme/shop.git', 'github.com/acme/shop'],
    ['ssh://git@github.com:22/acme/shop.git', 'github.com/acme/shop'],
    ['github.com:acme/shop', 'github.com/acme/shop'],
    ['ssh://git@git.example.com:2222/acme/shop.git', 'git.example.com:2222/acme/shop'],
    ['git@git.example.com:/srv/git/shop.git', 'git.example.com/srv/git/shop'],
    ['https://gitlab.example.com/group/sub/shop.git', 'gitlab.example.com/group/sub/shop'],
    ['/srv/git/shop.git', 'file:shop'],
    ['../shop.git/', 'file:shop'],
    ['file:///srv/git/shop.git', 'file:shop'],
    ['C:\\git\\shop.git', 'file:shop'],
    ['./a:b/shop', 'file:shop'],
  ])('%s is %s', (url, identity) => {
    expect(normaliseRemote(url)).toBe(identity);
  });

  it('comes from the remote, else from the first commit', async () => {
    const root = await commit(clone, 'a.txt');
    await commit(clone, 'b.txt');
    expect(await repository.identity()).toBe('file:shop');
    expect(await repository.identity('elsewhere')).toBe(`root:${root}`);
    expect(await repository.rootCommit()).toBe(root);
  });

  it('takes credentials out of what git says', () => {
    expect(withoutCredentials("fatal: 'https://ada:s3cret@example.com/x'")).toBe(
      "fatal: 'https://example.com/x'",
    );
  });
});

describe('opening', () => {
  it('finds the top from any folder, and the shared folder from a linked work tree', async () => {
    await commit(clone, 'libs/money/a.txt');
    const inside = await openRepository(join(clone, 'libs/money'));
    expect([inside.root, inside.gitDir, inside.commonDir]).toEqual([
      clone,
      join(clone, '.git'),
      join(clone, '.git'),
    ]);
    await git(clone, 'worktree', 'add', '--quiet', '--detach', join(folder, 'linked'));
    const linked = await openRepository(join(folder, 'linked'));
    expect([linked.root, linked.commonDir]).toEqual([join(folder, 'linked'), join(clone, '.git')]);
    expect((await openRepository(join(folder, 'shop.git'))).root).toBe('');
  });

  it('is not led astray by what git sets inside a hook', async () => {
    await commit(clone, 'a.txt');
    process.env['GIT_DIR'] = join(folder, 'shop.git');
    try {
      expect((await openRepository(clone)).gitDir).toBe(join(clone, '.git'));
      expect(await repository.head()).toBeDefined();
    } finally {
      delete process.env['GIT_DIR'];
    }
  });

  it('says where there is no repository, no git, no commit', async () => {
    await expect(openRepository(folder)).rejects.toMatchObject({ code: 'NO_GIT_REPOSITORY', exit: 2 });
    await expect(openRepository(join(folder, 'nowhere'))).rejects.toMatchObject({
      code: 'NO_GIT_REPOSITORY',
    });
    await expect(repository.rootCommit()).rejects.toMatchObject({ code: 'NO_COMMIT' });
    const path = process.env['PATH'];
    process.env['PATH'] = folder;
    try {
      await expect(openRepository(clone)).rejects.toMatchObject({ code: 'GIT_MISSING' });
    } finally {
      process.env['PATH'] = path;
    }
    await expect(repository.run(['no-such-command'])).rejects.toMatchObject({ code: 'GIT_FAILED' });
  });
});

describe('looking', () => {
  it('tells head, branch and dirtiness', async () => {
    expect([await repository.head(), await repository.branch()]).toEqual([undefined, 'trunk']);
    const head = await commit(clone, 'libs/a.txt');
    expect([await repository.head(), await repository.isDirty()]).toEqual([head, false]);
    await writeFile(join(clone, 'libs/new.txt'), '');
    expect([
      await repository.isDirty(),
      await repository.isDirty(['libs']),
      await repository.isDirty(['apps']),
    ]).toEqual([true, true, false]);
    await git(clone, 'checkout', '--quiet', '--detach');
    expect(await repository.branch()).toBeUndefined();
  });

  it('shows a file as of a commit', async () => {
    const first = await commit(clone, 'libs/a.txt');
    const content = await readFile(join(clone, 'libs/a.txt'), 'utf8');
    await commit(clone, 'libs/a.txt');
    expect(await repository.show(first, 'libs/a.txt')).toBe(content);
    expect(await repository.show(first, 'libs/b.txt')).toBeUndefined();
    expect(await repository.show(first, 'libs')).toBeUndefined();
    await expect(repository.show('0'.repeat(40), 'libs/a.txt')).rejects.toMatchObject({
      code: 'COMMIT_UNKNOWN',
    });
    expect(await git(clone, 'diff-tree', '-r', '--name-only', await repository.emptyTree(), first)).toBe(
      'libs/a.txt',
    );
  });

  it('tells ancestors, and does not guess in a shallow clone', async () => {
    const first = await commit(clone, 'a.txt');
    const second = await commit(clone, 'b.txt');
    expect([await repository.isAncestor(first, second), await repository.isAncestor(second, first)]).toEqual([
      true,
      false,
    ]);
    expect(await repository.isAncestor('1'.repeat(40), first)).toBe(false);
    await expect(repository.isAncestor(first, '1'.repeat(40))).rejects.toMatchObject({
      code: 'COMMIT_UNKNOWN',
    });
    await git(clone, 'push', '--quiet', 'origin', 'trunk');
    await git(folder, 'clone', '--quiet', '--depth=1', `file://${folder}/shop.git`, 'shallow');
    const shallow = await openRepository(join(folder, 'shallow'));
    expect([await shallow.isShallow(), await repository.isShallow()]).toEqual([true, false]);
    const cut = { code: 'GIT_SHALLOW', exit: 2 };
    await expect(shallow.isAncestor(first, second)).rejects.toMatchObject(cut);
    await expect(shallow.changesBetween(first, second, [])).rejects.toMatchObject(cut);
    await expect(shallow.changesBetween(undefined, second, [])).rejects.toMatchObject(cut);
    await expect(shallow.rootCommit()).rejects.toMatchObject(cut);
  });

  it('names everybody behind the commits that touch the paths, on side branches too', async () => {
    const base = await commit(clone, 'libs/money/a.txt');
    const trailers =
      'Two\n\nCo-authored-by: Linus <Linus@example.com>\nCo-authored-by: Ken <ken@example.com>';
    const two = await commit(clone, 'libs/money/b.txt', 'Ada@example.com', trailers);
    await commit(clone, 'libs/units/c.txt', 'not.here@example.com');
    await git(clone, 'checkout', '--quiet', '-b', 'side');
    const side = await commit(clone, 'libs/money/side.txt', 'side@example.com');
    await git(clone, 'checkout', '--quiet', 'trunk');
    const three = await commit(clone, 'libs/money/d.txt');
    await git(clone, 'merge', '--quiet', '--strategy=ours', '-m', 'merge', 'side');

    const changes = await repository.changesBetween(base, 'HEAD', ['libs/money']);
    const authors = new Map(changes.map((change) => [change.commit, change.authors]));
    expect(authors.get(two)).toEqual([
      'ada@example.com',
      'grace@example.com',
      'linus@example.com',
      'ken@example.com',
    ]);
    expect(authors.get(three)).toEqual(['ada@example.com', 'grace@example.com']);
    expect(authors.get(side)).toEqual(['side@example.com', 'grace@example.com']);
    expect([...authors.values()].flat()).not.toContain('not.here@example.com');
    expect(authors.has(base)).toBe(false);
    const all = await repository.changesBetween(undefined, 'HEAD', ['libs/money']);
    expect(all.map(({ commit: hash }) => hash)).toContain(base);
  });
});

describe('the default branch', () => {
  it('is fetched as it is now, beside the refs that people use', async () => {
    await commit(clone, 'a.txt');
    await git(clone, 'push', '--quiet', 'origin', 'trunk');
    await git(folder, 'clone', '--quiet', 'shop.git', 'other');
    const newest = await commit(join(folder, 'other'), 'b.txt');
    await git(join(folder, 'other'), 'push', '--quiet');
    const before = await git(clone, 'for-each-ref');

    expect(await repository.fetchDefaultBranch('origin')).toEqual({ branch: 'trunk', commit: newest });
    expect(await repository.show(newest, 'b.txt')).toBeDefined();
    expect(await git(clone, 'rev-parse', 'refs/sluice/policy/trunk')).toBe(newest);
    await git(clone, 'update-ref', '-d', 'refs/sluice/policy/trunk');
    expect(await git(clone, 'for-each-ref')).toBe(before);
    await expect(readFile(join(clone, '.git/FETCH_HEAD'))).rejects.toThrow('ENOENT');
    expect(await repository.defaultBranch('origin')).toBe('trunk');
  });

  it('follows a remote that went back', async () => {
    const first = await commit(clone, 'a.txt');
    await commit(clone, 'b.txt');
    await git(clone, 'push', '--quiet', 'origin', 'trunk');
    await repository.fetchDefaultBranch('origin');
    await git(clone, 'push', '--quiet', '--force', 'origin', `${first}:trunk`);
    expect((await repository.fetchDefaultBranch('origin')).commit).toBe(first);
    expect(await git(clone, 'rev-parse', 'refs/sluice/policy/trunk')).toBe(first);
  });

  it('says where there is none, and where the remote is away', async () => {
    await expect(repository.fetchDefaultBranch('origin')).rejects.toMatchObject({
      code: 'DEFAULT_BRANCH_UNKNOWN',
    });
    await rename(join(folder, 'shop.git'), join(folder, 'away.git'));
    await expect(repository.fetchDefaultBranch('origin')).rejects.toMatchObject({
      code: 'GIT_REMOTE_UNREACHABLE',
      transient: true,
    });
  });
});

describe('tag', () => {
  it('is made once, and never moved', async () => {
    const first = await commit(clone, 'a.txt');
    const second = await commit(clone, 'b.txt');
    expect(await repository.tag('money@1.0.0', first, 'money 1.0.0')).toBe('created');
    expect(await repository.tag('money@1.0.0', first)).toBe('present');
    await expect(repository.tag('money@1.0.0', second)).rejects.toMatchObject({ code: 'TAG_ELSEWHERE' });
    expect(await git(clone, 'rev-parse', 'money@1.0.0^{commit}')).toBe(first);
    expect(await git(clone, 'for-each-ref', '--format=%(objecttype) %(contents:subject)', 'refs/tags')).toBe(
      'tag money 1.0.0',
    );
    const together = await Promise.all(['1', '2', '3'].map(() => repository.tag('money@2.0.0', second)));
    expect(together.sort()).toContain('created');
    await expect(repository.tag('money@3.0.0', 'nothing')).rejects.toMatchObject({ code: 'COMMIT_UNKNOWN' });
    await expect(repository.tag('no..name', first)).rejects.toMatchObject({ code: 'GIT_FAILED' });
  });
});
