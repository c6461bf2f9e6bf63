import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Secret } from '../foundation/index.ts';
import { backupInput, pruneInput, readReleases } from './backups.ts';
import type { Host } from './index.ts';
import { openLocalHost } from './testing/local-host.ts';
import { shellFolder, shells } from './testing/shells.ts';
import { readBackup, readPrune } from './testing/reports.ts';

const DUMP =
  'CREATE TABLE a (id INT);\nLOCK TABLES `a` WRITE;\nINSERT INTO a VALUES (1);\nUNLOCK TABLES;\nCREATE TABLE b (id INT);\n';
const END = '-- Dump completed\n';

const which = (name: string) =>
  ['/usr/bin', '/bin'].map((bin) => join(bin, name)).find((path) => existsSync(path)) as string;

describe.each(shells)('backups by $name', ({ program }) => {
  let folder: string;
  let home: string;
  let host: Host;
  const password = new Secret('it\'s "so" \\n $(x)\t%s');
  const file = (name: string, text?: string) => {
    const path = join(folder, name);
    if (text === undefined) return readFileSync(path, 'utf8');
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return text;
  };
  const tool = (name: string) => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    copyFileSync(join(import.meta.dirname, 'testing/fake-database.sh'), join(folder, name));
    chmodSync(join(folder, name), 0o755);
  };
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-backups-'));
    home = join(folder, 'root/shop/staging');
    for (const name of ['bin/docker', 'container/mariadb', 'container/mariadb-dump']) tool(name);
    for (const name of ['sh', 'env', 'printf', 'cat', 'sed', 'grep', 'rm', 'mkdir'])
      symlinkSync(which(name), join(folder, 'container', name));
    file('running', 'db-1\n');
    file('password', password.reveal());
    file('dump', DUMP + END);
    file('dump-code', '0');
    file('databases/shop', DUMP);
    file('root/shop/staging/lock/run', 'run-1\n');
    file('root/shop/staging/lock/lease', '');
    file('root/shop/staging/current', 'r2\n');
    file('root/shop/staging/releases/r2/environment.json', '{"A": "secret"}');
    host = await openLocalHost({
      root: join(folder, 'root'),
      service: 'shop',
      path: [join(folder, 'bin'), shellFolder(join(folder, 'shell'), program)],
      env: { FAKE: folder },
    });
  });
  afterEach(async () => {
    await host.close();
    rmSync(folder, { recursive: true });
  });

  const backup = async (name = 'shop') =>
    readBackup(
      await host.run(
        'backup',
        backupInput({
          release: 'r3',
          databases: [{ kind: 'mysql', service: 'db', name, user: 'root', password }],
          volumes: [],
        }),
      ),
    );
  const kept = () => readdirSync(join(home, 'backups'));

  it('are one archive, checked by restoring its schema and reading it back', async () => {
    const report = await backup();
    expect(report).toMatchObject({
      tables: 2,
      file: expect.stringMatching(/^backup_staging_\d{8}T\d{6}Z\.tar\.gz$/),
    });
    expect(kept().sort()).toEqual([report.file.replace('.tar.gz', '.json'), report.file]);
    expect(readReleases(await host.run('releases')).backups).toMatchObject(
      [{ ...report, sha256: undefined, verified: true, serving: 'r2', release: 'r3' }].map(
        ({ sha256: _, ...rest }) => rest,
      ),
    );
    expect(readdirSync(join(folder, 'databases'))).toEqual(['shop']);
    expect(file('calls')).not.toContain(password.reveal());
    expect(file('calls')).toContain('--single-transaction --quick --hex-blob');
  });

  it.each([
    ['a dump tool that dies half-way', { 'dump-code': '3' }, 'DUMP_FAILED'],
    ['a dump without its end', { dump: DUMP }, 'DUMP_FAILED'],
    ['a dump that makes fewer tables', { dump: `CREATE TABLE a (id INT);\n${END}` }, 'BACKUP_INVALID'],
    ['a wrong password', { password: 'another' }, 'DATABASE_UNREACHABLE'],
    ['a container that does not run', { running: '' }, 'DATABASE_UNREACHABLE'],
  ])('are none with %s', async (_, files, code) => {
    for (const [name, text] of Object.entries(files)) file(name, text as string);
    await expect(backup()).rejects.toMatchObject({ code });
    expect(kept()).toEqual([]);
    expect(readdirSync(join(folder, 'databases'))).toEqual(['shop']);
  });

  it('are none without a dump tool', async () => {
    rmSync(join(folder, 'container/mariadb-dump'));
    await expect(backup()).rejects.toMatchObject({ code: 'DUMP_TOOL_MISSING' });
    expect(kept()).toEqual([]);
  });

  it('are none for a run that lost its lock', async () => {
    file('root/shop/staging/lock/run', 'another\n');
    await expect(backup()).rejects.toMatchObject({ code: 'LOCK_LOST' });
    expect(existsSync(join(home, 'backups'))).toBe(false);
  });

  it('go with releases and images that nobody goes back to', async () => {
    const image = (name: string) => `127.0.0.1:5000/acme/${name}@sha256:${name.repeat(64).slice(0, 64)}`;
    const release = (path: string, name: string) =>
      file(`root/${path}/release.json`, JSON.stringify({ images: { api: image(name) } }, undefined, 2));
    for (const [name, used] of [
      ['r1', 'a'],
      ['r2', 'b'],
      ['r3', 'c'],
      ['r4', 'd'],
    ] as const)
      release(`shop/staging/releases/${name}`, used);
    release('shop/production/releases/r1', 'c');
    file('root/shop/staging/current', 'r4\n');
    file('root/shop/staging/previous', 'r2\n');

    expect(readPrune(await host.run('prune', pruneInput({ releases: 2, backups: 1 })))).toEqual([
      'r3',
      'r1',
      image('a'),
    ]);
    expect(readdirSync(join(home, 'releases')).sort()).toEqual(['r2', 'r4']);
    expect(
      file('calls')
        .split('\n')
        .filter((line) => line.startsWith('rmi')),
    ).toEqual([`rmi ${image('a')}`]);
    expect(existsSync(join(folder, 'root/shop/production/releases/r1'))).toBe(true);
  });
});
