import { beforeEach, describe, expect, it } from 'vitest';
import { errors } from '../foundation/index.ts';
import type { PhaseName } from '../host/types.ts';
import type { HostEvent } from './fleet.ts';
import type { Fault } from './testing/fake-host.ts';
import { artifactOf, serving, World } from './testing/world.ts';

const HOSTS = ['one', 'two', 'three'];
const migrations = (...names: string[]) =>
  names.map((name) => ({ name, sha256: name, contract: name.includes('drop') }));
const old = artifactOf('api', 'a', { migrations: migrations('1-tables') });
const next = artifactOf('api', 'b', { migrations: migrations('1-tables', '2-column') });
const contract = artifactOf('api', 'c', { migrations: migrations('1-tables', '3-drop-column') });

let world: World;
let before: string;

/** Three hosts on which `old` serves, and something newer that was promoted. */
async function deployed(artifact = next): Promise<void> {
  world = new World(HOSTS);
  world.promote(old);
  const { results } = await world.deploy();
  expect(results[0]).toMatchObject({ success: true, outcome: 'deployed' });
  before = world.machine('api', 'one').current ?? '';
  world.promote(artifact);
  world.log.length = 0;
  world.records.length = 0;
  world.events.length = 0;
}
const summaries = () => world.all('api').map((machine) => machine.summary);
const everywhere = (release: string | undefined) => HOSTS.map(() => serving(release));

describe('a deployment', () => {
  beforeEach(() => deployed());

  it('brings the new release to all hosts, leader first alone, and leaves nothing else', async () => {
    const { results, plans } = await world.deploy();
    const release = plans[0]?.release.release;
    expect(results[0]).toMatchObject({ success: true, status: 'done', outcome: 'deployed', release });
    expect(summaries()).toEqual(everywhere(release));
    expect(world.all('api').map(({ previous }) => previous)).toEqual([before, before, before]);
    const first = (line: string) => world.log.indexOf(line);
    // The leader has baked before another host starts.
    expect(first('two start')).toBeGreaterThan(world.log.lastIndexOf('one watch'));
    expect(first('three finish')).toBeGreaterThan(world.log.lastIndexOf('two watch'));
    expect(world.count('backup')).toBe(1);
    expect(world.count('migrate')).toBe(1);
    expect(world.machine('api', 'one').migrated).toHaveLength(2);
    expect(world.hosts.slice(3).map(({ executions }) => executions)).toEqual([1, 1, 1]);
    expect(world.hosts.some(({ beats }) => beats)).toBe(false);
  });

  it('is recorded and told', async () => {
    await world.deploy();
    expect(world.records).toMatchObject([
      {
        type: 'deployed',
        stage: 'staging',
        version: next.version,
        integrity: next.digest,
        hosts: HOSTS,
        previous: before,
        migrations: ['2-column'],
        backup: 'backup_staging_1.tar.gz',
      },
    ]);
    expect(world.events.map(({ action, event, outcome }) => [action, event, outcome])).toEqual([
      ['deployment', 'started', undefined],
      ['deployment', 'succeeded', 'deployed'],
    ]);
  });

  it('does nothing where all hosts have it already, unless forced', async () => {
    await world.deploy();
    world.log.length = 0;
    expect((await world.deploy()).results[0]).toMatchObject({ success: true, status: 'nothing' });
    expect(new Set(world.log.map((line) => line.split(' ')[1]))).toEqual(new Set(['truth', 'releases']));
    expect((await world.deploy({ request: { force: true } })).results[0]?.status).toBe('done');
  });

  it('deploys again where one host is behind', async () => {
    await world.deploy();
    const two = world.machine('api', 'two');
    two.current = before;
    expect((await world.deploy()).results[0]?.status).toBe('done');
    expect(new Set(world.all('api').map(({ current }) => current)).size).toBe(1);
  });

  it('prints every remote command in a dry run, and changes nothing', async () => {
    const { results } = await world.deploy({ dryRun: true });
    expect(results[0]?.status).toBe('planned');
    const { line = '', commands = [] } = results[0] ?? {};
    for (const phase of ['lock', 'backup', 'migrate', 'switch', 'finish'] as const) {
      expect(line).toMatch(new RegExp(`^  ${phase}\\b`, 'm'));
      expect(commands.find((one) => one.phase === phase)?.script).toContain(`# ${phase}\n`);
    }
    // A page of it, however many hosts there are.
    expect(line.split('\n').length).toBeLessThan(60);
    expect(commands.filter(({ phase }) => phase === 'preflight').map(({ host }) => host)).toEqual(
      world.stage.hosts,
    );
    expect(commands.filter(({ phase }) => phase === 'migrate')).toHaveLength(1);
    expect(summaries()).toEqual(everywhere(before));
    expect(world.records).toEqual([]);
    expect(world.count('lock') + world.count('prepare')).toBe(0);
  });

  it('looks through the proxy after the switch also where nothing bakes', async () => {
    Object.assign(world.stage, { bakeMs: 0 });
    const { results } = await world.deploy({ faults: { two: [{ phase: 'watch', how: 'fails' }] } });
    expect(results[0]).toMatchObject({ outcome: 'restored' });
    expect(summaries()).toEqual(everywhere(before));
  });

  it('turns a canary over only when it was watched on all hosts', async () => {
    const { results, plans } = await world.deploy({ request: { canary: '10%' } });
    expect(results[0]?.status).toBe('done');
    expect(summaries()).toEqual(everywhere(plans[0]?.release.release));
    expect(world.count('switch')).toBe(6);
  });
});

describe('when something fails', () => {
  const everyHost: PhaseName[] = [
    'preflight',
    'lock',
    'prepare',
    'pull',
    'start',
    'health',
    'switch',
    'watch',
  ];
  const cases: [PhaseName, string][] = [
    ...everyHost.flatMap((phase) => HOSTS.map((host): [PhaseName, string] => [phase, host])),
    ['backup', 'one'],
    ['migrate', 'one'],
  ];
  beforeEach(() => deployed());

  it.each(cases)('%s failing on %s puts the old release back everywhere', async (phase, host) => {
    const { results } = await world.deploy({
      faults: { [host]: [{ phase, how: 'fails' }] },
    });
    expect(results[0]).toMatchObject({ success: false, status: 'failed', error: { code: 'PHASE_FAILED' } });
    expect(results[0]?.outcome).toBe(['preflight', 'lock'].includes(phase) ? 'unchanged' : 'restored');
    expect(summaries()).toEqual(everywhere(before));
    expect(world.records).toMatchObject([
      { type: 'deploy-failed', outcome: results[0]?.outcome, code: 'PHASE_FAILED' },
    ]);
    expect(world.events.at(-1)).toMatchObject({ event: 'failed', error: { code: 'PHASE_FAILED' } });
    expect((await world.deploy()).results[0]?.status).toBe('done');
  });

  it.each(cases.filter(([phase]) => phase !== 'preflight'))(
    '%s failing on %s after it had its effect too',
    async (phase, host) => {
      await world.deploy({ faults: { [host]: [{ phase, how: 'fails-late' }] } });
      expect(summaries()).toEqual(everywhere(before));
    },
  );

  it('does not go back where another host has finished, and says which hosts are what', async () => {
    const { results } = await world.deploy({
      faults: { two: [{ phase: 'finish', how: 'fails', ever: true }] },
    });
    expect(results[0]).toMatchObject({ outcome: 'broken', error: { code: 'PHASE_FAILED' } });
    expect(results[0]?.error?.state).toContain(`two: ${results[0]?.release} serves, but ${before} counts`);
    expect(world.count('undo')).toBe(0);
    expect((await world.deploy()).results[0]?.status).toBe('done');
  });

  it('shows why, where, and the last lines of what failed', async () => {
    const { results } = await world.deploy({ faults: { two: [{ phase: 'health', how: 'fails' }] } });
    expect(results[0]?.line).toContain('two, health:\n  | health: no');
    expect(results[0]?.error?.state).toBe(
      `checked: ${before} serves on all 3 hosts again, and nothing of the new release is left`,
    );
  });

  it.each(['cut-before', 'cut-after'] as const)('goes on after a connection was lost (%s)', async (how) => {
    for (const phase of [...everyHost, 'backup', 'migrate', 'finish', 'prune', 'unlock'] as PhaseName[]) {
      await deployed();
      const { results } = await world.deploy({ faults: { one: [{ phase, how }] } });
      expect([phase, results[0]?.status]).toEqual([phase, 'done']);
      expect(summaries()).toEqual(everywhere(results[0]?.release));
      // What had its effect is not done twice: one migration of the first deployment, one of this.
      expect(world.machine('api', 'one').migrated).toHaveLength(2);
    }
  });

  it('says what each host is at, and how long one that was lost is waited for', async () => {
    const seen: [string, HostEvent][] = [];
    const onHost = (project: string, event: HostEvent) => void seen.push([project, event]);
    await world.deploy({ onHost, faults: { two: [{ phase: 'start', how: 'gone' }] } });
    expect(seen.every(([project]) => project === 'api')).toBe(true);
    const at = (host: string, phase: PhaseName) =>
      seen.flatMap(([, event]) => (event.host === host && event.phase === phase ? [event] : []));
    expect(at('one', 'start').map(({ event }) => event)).toEqual(['started', 'done']);
    const [first, ...rest] = at('two', 'start');
    const last = rest.pop();
    expect([first?.event, last?.event]).toEqual(['started', 'failed']);
    const left = rest.map((event) => (event.event === 'lost' ? event.leftMs : 0));
    expect(left.length).toBeGreaterThan(1);
    expect(left).toEqual(left.toSorted((a, b) => b - a));
    expect(left.at(-1)).toBeGreaterThan(0);
  });

  it('takes all others back where a host is gone for good, and that one does it by itself', async () => {
    for (const phase of ['prepare', 'pull', 'start', 'health', 'switch', 'watch'] as PhaseName[]) {
      for (const how of ['gone', 'gone-after'] as const) {
        await deployed();
        const { results } = await world.deploy({ faults: { two: [{ phase, how }] } });
        expect(results[0]).toMatchObject({ success: false, outcome: 'broken' });
        expect(results[0]?.error?.state).toContain('two: unknown serves');
        expect(world.machine('api', 'one').summary).toEqual(serving(before));
        expect(world.machine('api', 'three').summary).toEqual(serving(before));
        world.machine('api', 'two').expire();
        expect(summaries()).toEqual(everywhere(before));
        expect((await world.deploy()).results[0]?.status).toBe('done');
      }
    }
  });

  it('says broken where the old release does not answer any more', async () => {
    world.machine('api', 'one').sick.add(before);
    const { results } = await world.deploy({ faults: { three: [{ phase: 'watch', how: 'fails' }] } });
    expect(results[0]).toMatchObject({ outcome: 'broken' });
    expect(results[0]?.error?.state).toContain(`one: ${before} serves, but ${before} does not answer`);
  });

  it('takes away what a first deployment had started', async () => {
    world = new World(HOSTS);
    world.promote(old);
    const { results } = await world.deploy({ faults: { three: [{ phase: 'watch', how: 'fails' }] } });
    expect(results[0]).toMatchObject({ outcome: 'restored' });
    expect(results[0]?.error?.state).toBe(
      'checked: nothing of it is left on all 3 hosts, where nothing served before',
    );
    expect(summaries()).toEqual(everywhere(undefined));
  });

  it('is stopped at any row', async () => {
    for (const phase of [...everyHost, 'backup', 'migrate'] as PhaseName[]) {
      await deployed();
      const { results } = await world.deploy({ faults: { one: [{ phase, how: 'stop' }] } });
      expect(results[0]).toMatchObject({ status: 'cancelled', error: { code: 'DEPLOY_STOPPED' } });
      expect(summaries()).toEqual(everywhere(before));
    }
  });

  it('is not stopped any more once the new release is the current one', async () => {
    for (const phase of ['finish', 'prune', 'unlock'] as PhaseName[]) {
      await deployed();
      const { results } = await world.deploy({ faults: { two: [{ phase, how: 'stop' }] } });
      expect(results[0]?.status).toBe('done');
      expect(summaries()).toEqual(everywhere(results[0]?.release));
      expect(world.records).toMatchObject([{ type: 'deployed' }]);
    }
  });

  it('takes a sick canary back', async () => {
    const faults: Fault[] = [{ phase: 'watch', how: 'fails' }];
    const { results } = await world.deploy({ request: { canary: 5 }, faults: { three: faults } });
    expect(results[0]).toMatchObject({ outcome: 'restored' });
    expect(summaries()).toEqual(everywhere(before));
  });

  it('leaves the lock of another run alone, and gives its own back', async () => {
    const two = world.machine('api', 'two');
    two.lock = { run: 'other', owner: 'bo' };
    const { results } = await world.deploy();
    expect(results[0]).toMatchObject({ outcome: 'unchanged', error: { code: 'LOCK_HELD' } });
    expect(world.all('api').map(({ lock }) => lock?.run)).toEqual([undefined, 'other', undefined]);
    expect(world.count('undo')).toBe(0);
  });

  it('lets one of two deployments at once through, or none, and mixes nothing', async () => {
    const both = await Promise.all([world.deploy(), world.deploy()]);
    const done = both.filter(({ results }) => results[0]?.success);
    expect(done.length).toBeLessThan(2);
    expect(new Set(world.all('api').map(({ current }) => current)).size).toBe(1);
    expect(world.all('api').map(({ lock }) => lock)).toEqual([undefined, undefined, undefined]);
  });

  it('says that it serves where only the ledger could not be written', async () => {
    world.recordProblem = errors.LEDGER_BUSY({ branch: 'ledger', attempts: 3 });
    const { results } = await world.deploy();
    expect(results[0]).toMatchObject({
      success: false,
      outcome: 'deployed',
      error: { code: 'DEPLOY_NOT_RECORDED' },
    });
    expect(summaries()).toEqual(everywhere(results[0]?.release));
  });
});

describe('a migration that takes something away', () => {
  beforeEach(() => deployed(contract));

  it('is announced, and leaves things as they are for a person where it fails afterwards', async () => {
    const { results, plans } = await world.deploy({ faults: { two: [{ phase: 'health', how: 'fails' }] } });
    expect(plans[0]?.blocksRollback).toBe('3-drop-column');
    expect(world.count('undo')).toBe(0);
    expect(results[0]).toMatchObject({ success: false, outcome: 'broken' });
    expect(results[0]?.error?.state).toContain('the migration 3-drop-column ran, so nothing was taken back');
    expect(results[0]?.error?.next).toContain('--restore-database=backup_staging_1.tar.gz --confirm=api');
    const release = plans[0]?.release.release ?? '';
    expect(world.machine('api', 'one').summary).toMatchObject({
      routes: { [release]: 100 },
      lock: undefined,
    });
    expect(world.machine('api', 'three').summary).toMatchObject({
      routes: { [before]: 100 },
      lock: undefined,
    });
  });

  it('is told to every host, which must not undo it by itself either', async () => {
    const { results } = await world.deploy({ dryRun: true });
    expect(results[0]?.line).toContain('no way back by itself: 3-drop-column');
    const told = results[0]?.commands?.filter(({ script }) => script.includes('CONTRACT=yes\n'));
    expect(told?.map(({ phase }) => phase)).toEqual(['migrate', 'switch', 'switch', 'switch']);
  });

  it('changes nothing where the failure comes before it', async () => {
    const { results } = await world.deploy({ faults: { two: [{ phase: 'pull', how: 'fails' }] } });
    expect(results[0]).toMatchObject({ outcome: 'restored' });
    expect(summaries()).toEqual(everywhere(before));
  });
});
