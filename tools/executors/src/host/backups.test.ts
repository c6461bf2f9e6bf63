import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { Secret } from '../foundation/index.ts';
import {
  backupInput,
  pruneInput,
  readReleases,
  restoreInput,
  type BackupOnHost,
  type ReleaseOnHost,
  type ReleaseState,
} from './backups.ts';
import { scriptOf } from './phases.ts';
import { expiredBackups, expiredReleases } from './testing/retention.ts';

const database = {
  kind: 'mysql',
  service: 'db',
  name: 'shop',
  user: 'root',
  password: new Secret('pass\\word\n$(x)\t'),
} as const;

describe('what the phases are given', () => {
  it('is a line a database, and passwords on standard input alone', () => {
    const input = backupInput({
      release: '20260102T030405-abc',
      databases: [
        database,
        { kind: 'postgres', service: 'pg', name: 'a b', user: 'me', password: new Secret('other-secret') },
      ],
      volumes: ['uploads', 'logs'],
      keep: 5,
    });
    expect(input.values).toEqual({
      DATABASES: 'mysql\tdb\tshop\troot\npostgres\tpg\ta b\tme',
      RELEASE: '20260102T030405-abc',
      VOLUMES: 'uploads\nlogs',
      KEEP: '5',
    });
    expect(input.stdin).toBe('pass\\\\word\\n$(x)\\t\nother-secret\n');
  });

  it('names volumes for a restore only where they are asked for', () => {
    expect(restoreInput({ file: 'f', databases: [] }).values).toEqual({ DATABASES: '', FILE: 'f' });
    expect(restoreInput({ release: 'r', databases: [], volumes: ['uploads'] }).values).toEqual({
      DATABASES: '',
      RELEASE: 'r',
      VOLUMES: 'uploads',
      RESTORE_VOLUMES: 'yes',
    });
    expect(pruneInput({ releases: 3, backups: 5 }).values).toEqual({
      KEEP_RELEASES: '3',
      KEEP_BACKUPS: '5',
    });
  });

  it.each(['', 'two\nlines', 'a\ttab'])('refuses the name %j, which is no line', (name) => {
    expect(() => backupInput({ release: 'r', databases: [{ ...database, name }], volumes: [] })).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining('databases[0].name'),
      }),
    );
  });
});

describe('what the phases report', () => {
  const fact = (key: string, value: unknown) => ({
    key,
    value: typeof value === 'string' ? value : JSON.stringify(value),
  });

  it('lists releases with what their manifest says, damaged or not', () => {
    const said = { state: 'serving', current: true, previous: false };
    const { releases } = readReleases({
      log: [],
      facts: [
        fact('release', {
          ...said,
          release: 'b',
          manifest: '{"version":"sha-1","digest":"sha256:1","at":"t"}',
        }),
        fact('release', { ...said, release: 'a', manifest: '{"version":' }),
      ],
    });
    expect(releases).toMatchObject([
      { release: 'b', state: 'serving', current: true, version: 'sha-1', digest: 'sha256:1', at: 't' },
      { release: 'a', version: undefined, manifest: undefined },
    ]);
  });

  it('calls a backup verified only by its manifest', () => {
    const { backups } = readReleases({
      log: [],
      facts: [
        fact('backup', {
          file: 'backup_staging_20260102T030405Z.tar.gz',
          bytes: 12,
          pinned: true,
          manifest:
            '{"at":"2026-01-02T03:04:05Z","verified":"2026-01-02T03:04:06Z","tables":3,"serving":"a","volumes":["v"]}',
        }),
        fact('backup', {
          file: 'backup_staging_20260101T000000Z.tar.gz',
          bytes: 1,
          pinned: false,
          manifest: '',
        }),
      ],
    });
    expect(backups).toMatchObject([
      { verified: true, pinned: true, tables: 3, serving: 'a', volumes: ['v'], at: '2026-01-02T03:04:05Z' },
      { verified: false, pinned: false, tables: undefined, at: '2026-01-01T00:00:00Z' },
    ]);
  });
});

/** What a function of phases/retention.sh prints for these lines. */
function inShell(call: string, lines: string[]): string[] {
  const { stdout, stderr } = spawnSync('sh', ['-c', `${scriptOf('retention')}\n${call}`], {
    input: lines.map((line) => `${line}\n`).join(''),
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  return stdout.split('\n').filter(Boolean);
}

const word = (value: boolean) => (value ? 'yes' : 'no');
const backupsGone = (backups: Pick<BackupOnHost, 'file' | 'verified' | 'pinned'>[], keep: number) =>
  inShell(
    `expired_backups ${keep}`,
    backups.map(({ file, verified, pinned }) => `${file} ${word(verified)} ${word(pinned)}`),
  );
type Judged = Pick<ReleaseOnHost, 'release' | 'state' | 'current' | 'previous'>;
const releasesGone = (releases: Judged[], keep: number) => {
  const named = (which: 'current' | 'previous') => releases.find((one) => one[which])?.release ?? '';
  return inShell(
    `expired_releases ${keep} '${named('current')}' '${named('previous')}'`,
    releases.map(({ release, state }) => `${release} ${state}`),
  );
};

/** The same numbers for a seed, each below `n`. */
function numbers(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * n);
  };
}
const names = (count: number) =>
  Array.from({ length: count }, (_, i) => `2026010${1 + (i % 9)}T00000${i % 7}-${i}`);

describe('retention', () => {
  const made = (file: string, verified = true, pinned = false) => ({ file, verified, pinned });

  it('keeps the last verified backups, all pinned ones, and neither counts nor removes unverified ones', () => {
    const backups = [
      made('1'),
      made('2', true, true),
      made('3'),
      made('4', false),
      made('5'),
      made('6', false, true),
      made('7'),
    ];
    expect(backupsGone(backups, 2)).toEqual(['3', '1']);
    expect(backupsGone(backups, 0)).toEqual(['5', '3', '1']);
    expect(backupsGone(backups, 9)).toEqual([]);
  });

  it('keeps the current and the previous release, then the newest that did not fail', () => {
    const release = (name: string, state: ReleaseState = 'stopped', more = {}) => ({
      release: name,
      state,
      current: false,
      previous: false,
      ...more,
    });
    const releases = [
      release('1', 'stopped', { previous: true }),
      release('2'),
      release('3', 'serving', { current: true }),
      release('4', 'failed'),
      release('5', 'failed'),
      release('6'),
    ];
    expect(releasesGone(releases, 1)).toEqual(['6', '2', '5', '4']);
    expect(releasesGone(releases, 3)).toEqual(['2', '5', '4']);
    expect(releasesGone(releases, 5)).toEqual(['4']);
  });

  it('is decided so for other ones too', () => {
    for (let seed = 1; seed <= 12; seed += 1) {
      const pick = numbers(seed);
      const keep = pick(7);
      const backups = names(pick(15)).map((file) => made(file, pick(4) > 0, pick(3) === 0));
      expect(backupsGone(backups, keep), `seed ${seed}`).toEqual(expiredBackups(backups, keep));

      const all = names(pick(15));
      const [current, previous] = [all[pick(15)] ?? '', all[pick(15)] ?? ''];
      const states: ReleaseState[] = ['failed', 'stopped', 'serving'];
      const releases = all.map((release) => ({
        release,
        state: states[pick(3)] as ReleaseState,
        current: release === current,
        previous: release === previous,
      }));
      expect(releasesGone(releases, keep), `seed ${seed}`).toEqual(expiredReleases(releases, keep));
    }
  });
});
