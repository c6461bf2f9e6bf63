import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { describeWithHosts, openLab, type Lab, type LabHost } from '../testing/lab/index.ts';
import { backupInput, pruneInput, readReleases, restoreInput } from './backups.ts';
import { openHost, type Host } from './index.ts';
import { DatabaseOnHost, KINDS, type DatabaseKind } from './testing/databases.ts';
import { readBackup, readPrune } from './testing/reports.ts';

describeWithHosts('backups', () => {
  let lab: Lab;
  let machine: LabHost;
  let host: Host;
  let database: DatabaseOnHost;
  const HOME = '.sluice/shop/staging';
  const VOLUME = 'shop-staging_uploads';

  /** A user who reaches the engine by sudo alone, and can read none of its folders. */
  beforeAll(async () => {
    lab = await openLab();
    machine = await lab.host({ access: 'sudo' });
    host = await openHost({
      name: machine.target,
      sshConfig: lab.sshConfig,
      service: 'shop',
      environment: 'staging',
      run: 'run-1',
      root: '.sluice',
    });
    database = new DatabaseOnHost(machine, KINDS.find(({ kind }) => kind === 'postgres') as DatabaseKind);
    await database.start();
    await database.create('shop', 'CREATE TABLE one (id int); INSERT INTO one VALUES (1);');
  });
  afterAll(async () => {
    await host?.close();
    await lab?.close();
  });
  beforeEach(async () => {
    await machine.ssh(
      `rm -rf ${HOME}; mkdir -p ${HOME}/lock ${HOME}/releases/20260101T000000-a; cd ${HOME}
      echo run-1 >lock/run; touch lock/lease; echo 20260101T000000-a >current
      echo '{"version": "sha-1"}' >releases/20260101T000000-a/release.json
      echo 'SECRET=1' >releases/20260101T000000-a/environment.json`,
    );
  });

  const inVolume = (volume: string, script: string) =>
    machine.exec(`docker run --rm -i -v ${volume}:/v debian:bookworm-slim sh`, {
      input: `cd /v && ${script}`,
    });
  const fill = (script: string) => inVolume(VOLUME, script);
  const listing = (volume: string) =>
    inVolume(
      volume,
      String.raw`find . ! -name . ! -name .sluice-replaced -printf "%p %u:%g %m %y %l\n" -type f -exec sha256sum {} + | sort`,
    );
  const backup = async (keep?: number) =>
    readBackup(
      await host.run(
        'backup',
        backupInput({
          release: '20260102T000000-b',
          databases: [database.access('shop')],
          volumes: ['uploads', 'not-yet'],
          ...(keep !== undefined && { keep }),
        }),
      ),
    );
  const files = async () =>
    (await machine.ssh(`ls -A ${HOME}/backups`)).stdout.trim().split('\n').filter(Boolean);

  it('hold databases, volumes, logs and the release, for their owner alone, proved by their checksums', async () => {
    await machine.engine('volume', 'create', VOLUME);
    await fill(
      'mkdir -p "a b/.c" && echo hi >"a b/.c/it\'s" && ln -sf "a b" link && chown -R 1234:55 "a b" && chmod 2750 "a b"',
    );
    const labels = ['service=shop', 'environment=staging', 'release=20260101T000000-a'];
    await machine.exec(
      `docker run --name api-1 ${labels.map((label) => `--label com.sluice.${label}`).join(' ')} \
        debian:bookworm-slim sh -c 'echo out; echo err >&2'`,
    );
    const report = await backup();
    await machine.engine('rm', 'api-1');

    const archive = `${HOME}/backups/${report.file}`;
    const seen = await machine.ssh(
      `cd ${HOME}/backups && stat -c '%a %n' . * && sha256sum <${report.file} && mkdir ../x && tar -xzf ${report.file} -C ../x && cd ../x &&
      sha256sum --quiet -c SHA256SUMS && gzip -dc logs/*.gz && tar -tzf volumes/uploads.tar.gz && cat release/environment.json && cat manifest.json`,
    );
    expect(seen.stderr).toBe('');
    expect(seen.stdout).toContain(
      `700 .\n600 ${report.file.replace('.tar.gz', '.json')}\n600 ${report.file}\n`,
    );
    for (const part of [report.sha256, ' out\n', ' err\n', "./a b/.c/it's", 'SECRET=1', '"tables": 1'])
      expect(seen.stdout, archive).toContain(part);
    expect(seen.stdout + JSON.stringify(await files())).not.toContain(database.password.reveal());

    const { backups, releases } = readReleases(await host.run('releases'));
    expect(backups).toMatchObject([
      {
        file: report.file,
        bytes: report.bytes,
        verified: true,
        pinned: false,
        tables: 1,
        serving: '20260101T000000-a',
        release: '20260102T000000-b',
        databases: [{ kind: 'postgres', service: 'pg', name: 'shop', tables: 1 }],
        volumes: ['uploads'],
      },
    ]);
    expect(releases).toMatchObject([{ release: '20260101T000000-a', current: true, version: 'sha-1' }]);
    expect((await machine.engine('ps', '-aq', '--filter', 'label=com.sluice.run=run-1')).trim()).toBe('');
  });

  it('put a volume back where it is asked for, with owners, and keep what they replace', async () => {
    const before = await listing(VOLUME);
    // What a backup that was cut off may have left.
    await machine.exec(
      'docker create --label com.sluice.part=sluice-copy --label com.sluice.service=shop --label com.sluice.environment=staging debian:bookworm-slim true',
    );
    await backup();
    expect(await machine.engine('ps', '-aq', '--filter', 'label=com.sluice.part=sluice-copy')).toBe('');
    await fill('rm -rf "a b" && echo new >later');
    const after = await listing(VOLUME);

    const without = restoreInput({ release: '20260101T000000-a', databases: [database.access('shop')] });
    await host.run('restore', without);
    expect(await listing(VOLUME)).toBe(after);

    const input = { release: '20260101T000000-a', databases: [], volumes: ['uploads'] };
    const { facts } = await host.run('restore', restoreInput(input));
    expect(await listing(VOLUME)).toBe(before);
    const kept = facts.find(({ key }) => key === 'replaced')?.value.replace('volume ', '') as string;
    expect(await listing(kept)).toBe(after);
    expect(await machine.engine('volume', 'ls', '-q', '--filter', 'name=_restore_')).toBe('');
  });

  it('refuse to restore from an archive that was changed, or is another file', async () => {
    const { file } = await backup();
    await machine.ssh(
      `cd ${HOME}/backups && printf x | dd of=${file} bs=1 seek=2000 conv=notrunc status=none && cp ${file} ../other.tar.gz`,
    );
    for (const name of [file, `/home/deploy/${HOME}/other.tar.gz`, 'none.tar.gz']) {
      const input = restoreInput({ file: name, databases: [database.access('shop')] });
      await expect(host.run('restore', input)).rejects.toMatchObject({ code: 'BACKUP_INVALID' });
    }
    expect(await database.names()).not.toContainEqual(expect.stringContaining('_restore_'));
    const nothing = restoreInput({ release: 'never', databases: [database.access('shop')] });
    await expect(host.run('restore', nothing)).rejects.toMatchObject({ code: 'BACKUP_MISSING' });
  });

  it('leave no half file on a full disk, and the ones before untouched', async () => {
    await fill('head -c 30000000 /dev/urandom >big');
    const { file } = await backup();
    const sum = (await machine.ssh(`sha256sum ${HOME}/backups/*`)).stdout;
    await machine.fillDisk({ leave: 8_000_000 });
    try {
      await expect(backup()).rejects.toMatchObject({ code: 'BACKUP_DISK_FULL' });
      const input = restoreInput({ file, databases: [database.access('shop')] });
      await expect(host.run('restore', input)).rejects.toMatchObject({ code: 'BACKUP_DISK_FULL' });
    } finally {
      await machine.freeDisk();
      await fill('rm big');
    }
    expect((await machine.ssh(`sha256sum ${HOME}/backups/*`)).stdout).toBe(sum);
    expect(await files()).toHaveLength(2);
    expect(await database.sql('shop', 'SELECT id FROM one;')).toBe('1');
  });

  it('say which user may not make databases', async () => {
    await database.sql(
      'postgres',
      "DROP ROLE IF EXISTS plain; CREATE ROLE plain LOGIN PASSWORD 'x'; GRANT ALL ON DATABASE shop TO plain;",
    );
    await database.sql('shop', 'GRANT SELECT ON ALL TABLES IN SCHEMA public TO plain;');
    const plain = { ...database.access('shop'), user: 'plain' };
    const input = backupInput({ release: 'r', databases: [plain], volumes: [] });
    await expect(host.run('backup', input)).rejects.toMatchObject({ code: 'DATABASE_RIGHTS_MISSING' });
    expect(await files()).toEqual([]);
  });

  it('and releases are pruned within their service and environment alone', async () => {
    await machine.engine('volume', 'create', 'shop-staging_kept');
    const image = async (name: string) => {
      const made = await machine.exec(
        `echo 'FROM debian:bookworm-slim\nLABEL n=${name}' | docker build -q -t 127.0.0.1:5000/${name} -`,
      );
      return made.replace('sha256:', `127.0.0.1:5000/${name}@sha256:`);
    };
    const names = ['a', 'b', 'c', 'd'];
    const release = (name: string) => `2026010${1 + names.indexOf(name)}T000000-${name}`;
    const images = new Map<string, string>();
    for (const name of names) images.set(name, await image(`api${name}`));
    const write = names.map(
      (name) =>
        `mkdir -p releases/${release(name)} && echo '{"images": {"api": "${images.get(name)}"}}' >releases/${release(name)}/release.json`,
    );
    // Another environment still runs what `b` ran.
    await machine.ssh(
      `cd ${HOME} && ${write.join(' && ')} && echo ${release('a')} >previous && echo ${release('d')} >current &&
      mkdir -p ../production/releases/x ../production/backups && cp releases/${release('b')}/release.json ../production/releases/x/ &&
      touch ../production/backups/backup_production_20200101T000000Z.tar.gz`,
    );
    const kept = [await backup(), await backup(), await backup()];
    await machine.ssh(`touch ${HOME}/backups/${kept[0]?.file.replace('.tar.gz', '.pinned')}`);

    const removed = readPrune(await host.run('prune', pruneInput({ releases: 2, backups: 1 })));
    const left = readReleases(await host.run('releases'));
    expect(left.releases.map((one) => one.release)).toEqual([release('d'), release('a')]);
    expect(left.backups.map(({ file }) => file)).toEqual([kept[2]?.file, kept[0]?.file]);
    expect(removed).toEqual(
      expect.arrayContaining([release('b'), release('c'), kept[1]?.file.replace('.tar.gz', '')]),
    );
    expect(
      (await machine.ssh('ls .sluice/shop/production/releases .sluice/shop/production/backups')).stdout,
    ).toContain('backup_production_');
    expect(await machine.engine('volume', 'ls', '-q')).toContain('shop-staging_kept');
    expect((await machine.engine('images', '--format', '{{.Repository}}')).split('\n')).toEqual(
      expect.arrayContaining(['127.0.0.1:5000/apia', '127.0.0.1:5000/apib', '127.0.0.1:5000/apid']),
    );
  });
});
