import { beforeEach, describe, expect, it } from 'vitest';
import type { PhaseName } from '../host/types.ts';
import { rollbackServices } from './rollback.ts';
import type { ReturnRequest } from './rollback-plan.ts';
import type { Fault } from './testing/fake-host.ts';
import { artifactOf, serving, World } from './testing/world.ts';

const HOSTS = ['one', 'two', 'three'];
const migrations = (...names: string[]) =>
  names.map((name) => ({ name, sha256: name, contract: name.includes('drop') }));
const first = artifactOf('api', 'a', { migrations: migrations('1-tables') });
const second = artifactOf('api', 'b', { migrations: migrations('1-tables', '2-column') });
const third = artifactOf('api', 'c', { migrations: migrations('1-tables', '2-column', '3-drop-column') });

let world: World;
/** Names of the releases, oldest first. */
let releases: string[];

async function deployed(...artifacts: (typeof first)[]): Promise<void> {
  world = new World(HOSTS);
  releases = [];
  for (const artifact of artifacts) {
    world.promote(artifact);
    const { results } = await world.deploy();
    expect(results[0]?.success).toBe(true);
    releases.push(results[0]?.release ?? '');
  }
  world.records.length = 0;
  world.events.length = 0;
  world.log.length = 0;
}
async function back(
  request: Partial<ReturnRequest> = {},
  faults: Record<string, Fault[]> = {},
  dryRun = false,
) {
  const abort = new AbortController();
  const context = world.context(faults, () => abort.abort(new Error('stopped')));
  const { results } = await rollbackServices(
    { ...context, env: { DATABASE_PASSWORD: 'right' } },
    {
      stage: world.stage,
      requests: [{ project: 'api', name: '@acme/api', ...request }],
      signal: abort.signal,
      dryRun,
    },
  );
  return results[0];
}
const summaries = () => world.all('api').map((machine) => machine.summary);
const everywhere = (release: string | undefined) => HOSTS.map(() => serving(release));

describe('going back', () => {
  beforeEach(() => deployed(first, second));

  it('goes to the release before, as it was, on all hosts; holds what was left, and records it', async () => {
    const result = await back();
    expect(result).toMatchObject({ success: true, release: releases[0] });
    expect(summaries()).toEqual(everywhere(releases[0]));
    expect(world.records).toMatchObject([
      {
        type: 'returned',
        version: first.version,
        integrity: first.digest,
        release: releases[0],
        left: { release: releases[1], version: second.version, integrity: second.digest },
        hosts: HOSTS,
      },
      { type: 'held', version: second.version, integrity: second.digest },
    ]);
    expect(world.events).toMatchObject([{ event: 'rolled-back', to: releases[0] }]);
    // Nothing is made anew: its folder, its image, its environment are there.
    expect(world.count('migrate') + world.count('backup')).toBe(0);
  });

  it('does not go back one more when it is typed again', async () => {
    await deployed(first, second, artifactOf('api', 'd', { migrations: second.bundle.migrations }));
    expect((await back())?.release).toBe(releases[1]);
    expect(await back()).toMatchObject({ success: true, status: 'nothing' });
    expect(summaries()).toEqual(everywhere(releases[1]));
    expect((await back({ to: first.version }))?.release).toBe(releases[0]);
  });

  it('is written down by the next run where the deployer was killed before it could', async () => {
    await back();
    const [returned, held] = world.records;
    // The ledger as it was before: it says that the second serves.
    world.records.splice(0, 2, {
      ...returned,
      type: 'deployed',
      release: releases[1],
      version: second.version,
      integrity: second.digest,
    } as (typeof world.records)[number]);
    expect((await back({}, {}, true))?.line).not.toContain('ledger');
    expect(world.records).toHaveLength(1);
    const again = await back();
    expect(again).toMatchObject({ success: true, status: 'nothing' });
    expect(again?.line).toContain(`the ledger did not know of it, and does now: ${releases[0]}`);
    expect(world.records.slice(1)).toEqual([returned, held]);
    expect(await back()).toMatchObject({ success: true, status: 'nothing' });
    expect(world.records).toHaveLength(3);
    expect(summaries()).toEqual(everywhere(releases[0]));
  });

  it('passes over what is held, and does not go there by name', async () => {
    expect((await back())?.release).toBe(releases[0]);
    world.held.add(second.digest);
    const { results } = await world.deploy({ request: { force: true } });
    const again = results[0]?.release ?? '';
    expect(again > (releases[1] ?? '')).toBe(true);
    expect(await back({ to: second.version })).toMatchObject({ success: false, error: { code: 'HELD' } });
    expect(summaries()).toEqual(everywhere(again));
    expect((await back())?.release).toBe(releases[0]);
    expect(summaries()).toEqual(everywhere(releases[0]));
  });

  it.each([() => releases[0], () => first.version, () => first.digest])(
    'finds a release by its name (%#)',
    async (to) => {
      expect(await back({ to: to() ?? '' })).toMatchObject({ success: true, release: releases[0] });
    },
  );

  it('has nothing to do where the release that is named serves on all hosts, and goes there where one has another', async () => {
    await back();
    world.log.length = 0;
    expect(await back({ to: first.version })).toMatchObject({ success: true, status: 'nothing' });
    expect(world.count('lock')).toBe(0);
    const astray = world.machine('api', 'three');
    astray.current = releases[1];
    expect(await back({ to: first.version })).toMatchObject({ success: true, status: 'done' });
    expect(summaries()).toEqual(everywhere(releases[0]));
  });

  it('goes to nothing that never served, by its name or without one', async () => {
    const broken = artifactOf('api', 'e', { migrations: second.bundle.migrations });
    world.promote(broken);
    for (const machine of world.all('api')) {
      const { manifest } = machine.releases.get(releases[0] ?? '') as { manifest: object };
      const release = `${releases[0]}-never`;
      machine.releases.set(release, {
        manifest: { ...manifest, release, version: broken.version, digest: broken.digest } as never,
        state: 'failed',
      });
    }
    expect((await back({ to: broken.version }))?.error?.code).toBe('RELEASE_UNKNOWN');
    expect((await back())?.release).toBe(releases[0]);
  });

  it('says in a dry run what it would do, and changes nothing', async () => {
    expect((await back({}, {}, true))?.line).toContain(`would go back from ${releases[1]}`);
    expect(summaries()).toEqual(everywhere(releases[1]));
    expect(world.records).toEqual([]);
  });

  it.each(['lock', 'pull', 'start', 'health', 'switch', 'watch'] as PhaseName[])(
    'leaves what serves on all hosts where %s fails on the second',
    async (phase) => {
      for (const how of ['fails', 'fails-late', 'stop'] as const) {
        await deployed(first, second);
        const result = await back({}, { two: [{ phase, how }] });
        expect(result?.success).toBe(false);
        expect(['restored', 'unchanged']).toContain(result?.outcome);
        expect(summaries()).toEqual(everywhere(releases[1]));
        expect(world.records).toMatchObject([{ type: 'deploy-failed', release: releases[0] }]);
      }
    },
  );

  it('refuses what is not there', async () => {
    expect((await back({ to: 'sha-000000000000' }))?.error?.code).toBe('RELEASE_UNKNOWN');
    world.machine('api', 'two').releases.delete(releases[0] ?? '');
    expect((await back())?.error).toMatchObject({ code: 'RELEASE_GONE' });
    world.machine('api', 'two').releases.set(releases[0] ?? '', {
      manifest: world.machine('api', 'one').releases.get(releases[0] ?? '')?.manifest as never,
      state: 'stopped',
    });
    world.machine('api', 'three').missingImages.add(first.images['api'] ?? '');
    expect((await back())?.error).toMatchObject({
      code: 'RELEASE_GONE',
      details: { host: 'three' },
      next: expect.stringMatching(/^npx nx run api:ship:\w+ -- --version=/),
    });
    expect(summaries()).toEqual(everywhere(releases[1]));
    await deployed(first);
    expect((await back())?.error?.code).toBe('RELEASE_NONE_BEFORE');
    world = new World(HOSTS);
    expect((await back())?.error?.code).toBe('RELEASE_NONE_BEFORE');
    world = new World([]);
    expect((await back())?.error?.code).toBe('SERVICE_NO_HOSTS');
  });
});

describe('going back across a migration that takes something away', () => {
  beforeEach(() => deployed(first, second, third));

  it('is refused, with the backup that would help, unless a person says that it works', async () => {
    const result = await back();
    expect(result?.error).toMatchObject({ code: 'ROLLBACK_ACROSS_CONTRACT' });
    expect(result?.error?.next).toContain('--restore-database=backup_staging_2.tar.gz --confirm=api');
    expect(summaries()).toEqual(everywhere(releases[2]));
    expect(await back({ acrossContract: true })).toMatchObject({ success: true, release: releases[1] });
  });

  it('puts the database back where its name is given, behind the maintenance page, saved before', async () => {
    expect((await back({ restoreDatabase: '' }))?.error?.code).toBe('CONFIRM_MISSING');
    expect((await back({ restoreDatabase: '', confirm: 'web' }))?.error?.code).toBe('CONFIRM_MISSING');
    expect((await back({ restoreDatabase: 'other.tar.gz', confirm: 'api' }))?.error?.code).toBe(
      'BACKUP_UNKNOWN',
    );
    world.log.length = 0;
    const result = await back({ restoreDatabase: '', confirm: 'api' });
    expect(result).toMatchObject({ success: true, release: releases[1] });
    const leader = world.machine('api', 'one');
    expect(leader.restored).toBe('backup_staging_2.tar.gz');
    expect(world.log.indexOf('one maintenance')).toBeLessThan(world.log.indexOf('one backup'));
    expect(world.log.indexOf('one backup')).toBeLessThan(world.log.indexOf('one restore'));
    expect(world.count('restore')).toBe(1);
    expect(summaries()).toEqual(everywhere(releases[1]));
    expect(world.records[0]).toMatchObject({ type: 'returned', restored: 'backup_staging_2.tar.gz' });
  });

  it('restores from no backup that was not verified', async () => {
    const { backups } = world.machine('api', 'one');
    backups.push({ file: 'half.tar.gz', serving: releases[1] ?? '', pinned: false, unverified: true });
    expect((await back())?.error?.next).toContain('--restore-database=backup_staging_2.tar.gz');
    for (const name of ['half.tar.gz', 'other.tar.gz'])
      expect((await back({ restoreDatabase: name, confirm: 'api' }))?.error?.code).toBe('BACKUP_UNKNOWN');
    await back({ restoreDatabase: '', confirm: 'api' });
    expect(world.machine('api', 'one').restored).toBe('backup_staging_2.tar.gz');
  });

  it.each([
    [{ restoreVolumes: true }, { databases: '', volumes: 'uploads' }, /the volumes were restored/],
    [
      { restoreDatabase: '', restoreVolumes: true },
      { databases: expect.stringMatching(/./), volumes: 'uploads' },
      /the databases and the volumes were restored/,
    ],
  ])('puts the volumes back too, or they alone, where that is asked for (%o)', async (asked, given, said) => {
    expect((await back({ ...asked, acrossContract: true }))?.error?.code).toBe('CONFIRM_MISSING');
    const result = await back({ ...asked, acrossContract: true, confirm: 'api' });
    expect(result).toMatchObject({ success: true });
    expect(result?.line).toMatch(said);
    const values = world.machine('api', 'one').restoredWith ?? {};
    expect({ databases: values['DATABASES'] ?? '', volumes: values['VOLUMES'] }).toEqual(given);
    expect(values['RESTORE_VOLUMES']).toBe('yes');
  });

  it('does not take volumes for what a migration took away', async () => {
    expect((await back({ restoreVolumes: true, confirm: 'api' }))?.error?.code).toBe(
      'ROLLBACK_ACROSS_CONTRACT',
    );
  });

  it('needs the password of the database', async () => {
    const { results } = await rollbackServices(world.context(), {
      stage: world.stage,
      requests: [{ project: 'api', name: '@acme/api', restoreDatabase: '', confirm: 'api' }],
    });
    expect(results[0]?.error?.code).toBe('VARIABLE_MISSING');
  });

  it('takes the page away where the restore failed, for then nothing was swapped', async () => {
    const result = await back(
      { restoreDatabase: '', confirm: 'api' },
      { one: [{ phase: 'restore', how: 'fails' }] },
    );
    expect(result?.outcome).toBe('unchanged');
    expect(summaries()).toEqual(everywhere(releases[2]));
  });

  it('goes back no further by itself where something fails after the restore', async () => {
    const faults: Record<string, Fault[]> = { two: [{ phase: 'health', how: 'fails' }] };
    const result = await back({ restoreDatabase: '', confirm: 'api' }, faults);
    expect(result?.outcome).toBe('broken');
    expect(result?.error?.state).toContain('the database was restored from backup_staging_2.tar.gz');
    expect(result?.error?.state).toContain('people see the maintenance page');
    expect(world.all('api').every(({ maintenance, lock }) => maintenance && lock === undefined)).toBe(true);
    expect(await back({ acrossContract: true })).toMatchObject({ success: true });
    expect(summaries()).toEqual(everywhere(releases[1]));
  });
});
