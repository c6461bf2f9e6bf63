import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { errors } from '../foundation/index.ts';
import type { LedgerRecord } from '../ledger/types.ts';
import { rollback, unhold, type RollbackOptions } from './rollback.ts';
import { statusOf } from './status.ts';
import { tagByHand } from './testing/by-hand.ts';
import { Flow, type StageName, type World } from './testing/flow.ts';

/** Each test has packages of its own in the one pipeline. */
const packages = {
  plain: [],
  again: [],
  older: [],
  twice: [],
  first: [],
  never: [],
  denied: [],
  silent: [],
  lostgood: [],
  lostbad: [],
  crashed: [],
  planned: [],
  later: [],
  units: [],
  money: ['units'],
  invoice: ['money'],
  line: [],
  stale: [],
  unwritten: [],
  base: [],
  middle: ['base'],
  top: ['middle'],
};
const settled = Object.keys(packages).filter((project) => project !== 'never' && project !== 'first');
let flow: Flow;
let untouched: World;
const back = (projects: string | string[], options: Partial<RollbackOptions> = {}) =>
  flow.with((context) =>
    rollback(context, { stage: 'test', packages: [projects].flat(), reason: 'it loses cents', ...options }),
  );
const letGo = (name: string, version: string, reason = 'it was the test') =>
  flow.with((context) => unhold(context, { name, version, reason }));
const of = async (project: string, stage: StageName = 'test') => (await flow.world(stage))[project];
const recordsOf = async (project: string) =>
  (await flow.records()).filter((line) => line.includes(` ${project}@`));
const seen = (method: string, path: RegExp, stage: StageName = 'test') =>
  flow
    .proxy(stage)
    .requests.filter((one) => one.method === method && path.test(one.path))
    .map((one) => one.path);

async function release(version: string, projects: string[]) {
  await flow.release(version, projects);
  await flow.build(projects);
  await flow.publish(projects);
  const { results } = await flow.promote('test', projects);
  expect(results.filter((result) => !result.success)).toEqual([]);
}

beforeAll(async () => {
  flow = await Flow.start({ packages, stages: { public: { kind: 'github', visibleWithin: '1s' } } });
  await flow.build();
  await flow.publish();
  await flow.promote('test', [...settled, 'first']);
  await flow.promote('public', ['silent', 'later', 'stale']);
  await release('1.1.0', settled);
  await flow.promote('public', ['silent', 'later', 'stale']);
  await release('1.2.0', ['older']);
  untouched = await flow.world('test');
});
afterAll(() => flow?.close());
beforeEach(() => {
  for (const proxy of flow.proxies.values()) proxy.rules.splice(0);
});

describe('a rollback', () => {
  it('moves the tag back, deprecates, holds, and records; a release by hand undoes it', async () => {
    const { results } = await back('plain');
    expect(results).toMatchObject([{ status: 'done', success: true, version: '1.1.0' }]);
    const after = await of('plain');
    expect(after?.tags['latest']).toBe('1.0.0');
    expect(after?.versions['1.1.0']).toMatch(/deprecated: it loses cents; use @acme\/plain@1\.0\.0$/);
    expect((await recordsOf('plain')).slice(-2)).toEqual([
      'rolled-back test plain@1.1.0',
      'held test plain@1.1.0',
    ]);

    const all = await flow.promote('test', ['plain']);
    expect(all.results).toMatchObject([{ status: 'nothing', version: '1.0.0' }]);
    const requests = [{ project: 'plain', name: '@acme/plain', version: '1.1.0' }];
    const named = await flow.promote('test', undefined, { requests });
    expect(named.results).toMatchObject([{ success: false, error: { code: 'HELD' } }]);
    const further = await flow.promote('public', undefined, { requests });
    expect(further.results[0]?.success).toBe(false);
    expect(await of('plain')).toEqual(after);

    expect(await letGo('plain', '1.1.0')).toMatch(/may be promoted again/);
    const freed = await flow.promote('test', ['plain']);
    expect(freed.results).toMatchObject([{ status: 'done', version: '1.1.0' }]);
    const free = await of('plain');
    expect(free?.tags['latest']).toBe('1.1.0');
    expect(free?.versions['1.1.0']).not.toMatch(/deprecated/);
    await expect(letGo('plain', '1.1.0')).rejects.toMatchObject({ code: 'UNHOLD_NOTHING', exit: 2 });
  });

  it('goes to the version asked for, and a second time does nothing more', async () => {
    await back('older', { to: '1.0.0' });
    const after = await of('older');
    expect(after?.tags['latest']).toBe('1.0.0');
    expect(after?.versions['1.1.0']).not.toMatch(/deprecated/);
    const records = await recordsOf('older');
    const { results } = await back('older', { to: '1.0.0' });
    expect(results).toMatchObject([{ success: true, status: 'nothing', version: '1.2.0' }]);
    expect(await of('older')).toEqual(after);
    expect(await recordsOf('older')).toEqual(records);
    // The one in between was passed over: the stage stands at 1.0.0, and status says so.
    const status = await flow.with(statusOf);
    const here = status.packages.find((one) => one.project === 'older')?.stages[1];
    expect(here).toMatchObject({ version: '1.0.0', held: ['1.2.0'] });
  });

  it('of a mended older line leaves the tag where it is', async () => {
    await release('2.0.0', ['line']);
    await release('1.1.1', ['line']);
    await release('1.1.2', ['line']);
    expect((await of('line'))?.tags['latest']).toBe('2.0.0');
    const { results } = await back('line');
    expect(results).toMatchObject([{ status: 'done', version: '1.1.2' }]);
    expect(results[0]?.line).toMatch(/latest in test stays at 2\.0\.0/);
    const after = await of('line');
    expect(after?.tags['latest']).toBe('2.0.0');
    expect(after?.versions['1.1.2']).toMatch(/use @acme\/line@2\.0\.0$/);
    const status = await flow.with(statusOf);
    const here = status.packages.find((one) => one.project === 'line')?.stages[1];
    expect(here).toMatchObject({ version: '2.0.0', held: ['1.1.2'] });
  });

  it('shows what it would do, and changes nothing', async () => {
    const before = [await of('planned'), await flow.records()];
    const { results } = await back('planned', { dryRun: true });
    expect(results).toMatchObject([{ status: 'planned' }]);
    expect(results[0]?.line).toMatch(/would go back from 1\.1\.0 to 1\.0\.0/);
    expect([await of('planned'), await flow.records()]).toEqual(before);
  });

  it.each<[string, string, Partial<RollbackOptions>, string, number]>([
    ['nothing stands in the stage', 'never', {}, 'ROLLBACK_NOTHING', 1],
    ['the version never stood there', 'again', { version: '3.0.0' }, 'ROLLBACK_NOTHING', 1],
    ['nothing came before', 'first', {}, 'ROLLBACK_NO_TARGET', 1],
    ['the one to go back to never stood there', 'again', { to: '0.9.0' }, 'ROLLBACK_NO_TARGET', 1],
    ['nobody knows the package', 'moneyy', {}, 'PACKAGE_UNKNOWN', 2],
    ['nobody knows the stage', 'again', { stage: 'tset' }, 'STAGE_UNKNOWN', 2],
  ])('is refused where %s', async (_, project, options, code, exit) => {
    await expect(back(project, options)).rejects.toMatchObject({ code, exit });
    expect([await of('again'), await of('first')]).toEqual([untouched.again, untouched.first]);
  });

  it('of several is refused as a whole where one cannot be taken back', async () => {
    const records = await flow.records();
    await expect(back(['again', 'first'])).rejects.toMatchObject({ code: 'ROLLBACK_NO_TARGET' });
    expect([await of('again'), await flow.records()]).toEqual([untouched.again, records]);
  });

  it('deprecates and holds a first version where a person says that there is nothing to go back to', async () => {
    const { results } = await back('first', { to: 'none', reason: 'leaks' });
    expect(results).toMatchObject([{ status: 'done' }]);
    const world = await of('first');
    expect(world?.versions['1.0.0']).toMatch(/deprecated: leaks$/);
    expect(world?.tags['latest']).toBe('1.0.0');
    expect((await flow.records()).slice(-2)).toEqual([
      'rolled-back test first@1.0.0',
      'held test first@1.0.0',
    ]);
    expect((await back('first', { to: 'none' })).results).toMatchObject([{ status: 'nothing' }]);
  });

  it('cannot go back to what is held', async () => {
    await back('twice');
    await release('1.2.0', ['twice']);
    await expect(back('twice', { to: '1.1.0' })).rejects.toMatchObject({ code: 'ROLLBACK_NO_TARGET' });
    await back('twice');
    expect((await of('twice'))?.tags['latest']).toBe('1.0.0');
  });
});

describe('several that depend on each other', () => {
  it('go back dependents first', async () => {
    const { results } = await back(['units', 'invoice', 'money']);
    expect(results.map((result) => `${result.project} ${result.status}`)).toEqual([
      'invoice done',
      'money done',
      'units done',
    ]);
    const tags = seen('PUT', /@acme\/(units|money|invoice)\/dist-tags\/latest/).slice(-3);
    expect(tags.map((path) => path.split('/')[4])).toEqual(['invoice', 'money', 'units']);
    const world = await flow.world('test');
    expect(['units', 'money', 'invoice'].map((name) => world[name]?.tags['latest'])).toEqual([
      '1.0.0',
      '1.0.0',
      '1.0.0',
    ]);
  });

  it('stop where a dependent cannot go back, and say which', async () => {
    flow.proxy('test').rules.push({
      method: 'PUT',
      path: /@acme\/middle\/dist-tags/,
      times: 9,
      fault: { do: 'answer', status: 403 },
    });
    const before = await flow.world('test');
    const { results } = await back(['base', 'middle', 'top']);
    expect(results.map(({ project, status, error }) => `${project} ${status} ${error?.code}`)).toEqual([
      'top done undefined',
      'middle failed RIGHT_MISSING',
      'base blocked ROLLBACK_BLOCKED',
    ]);
    const after = await flow.world('test');
    expect([after['middle'], after['base']]).toEqual([before['middle'], before['base']]);
    expect(await recordsOf('base')).not.toContain('held test base@1.1.0');
    flow.proxy('test').rules.splice(0);
    const one = await back('base', { dryRun: true });
    expect(one.results[0]?.line).toMatch(/promoted against it: @acme\/middle@1\.1\.0/);
    const { results: again } = await back(['base', 'middle']);
    expect(again.map((result) => result.status)).toEqual(['done', 'done']);
  });
});

describe('a registry that cannot do all of it', () => {
  it.each([403, 405])(
    'answers %i to the deprecation: the tag is back, the digest held, and it is said',
    async (status) => {
      flow.proxy('test').rules.push({
        method: 'PUT',
        path: /^\/@acme\/denied$/,
        times: 9,
        fault: { do: 'answer', status, body: { error: 'no deprecations here' } },
      });
      const { results } = await back('denied');
      expect(results).toMatchObject([{ status: 'done', success: true }]);
      expect(results[0]?.line).toMatch(/1\.1\.0 is held[\s\S]*not deprecated: [A-Z_]+: /);
      const after = await of('denied');
      expect(after?.tags['latest']).toBe('1.0.0');
      expect(after?.versions['1.1.0']).not.toMatch(/deprecated/);
      expect(await newest('rolled-back')).toMatchObject({ project: 'denied', deprecated: false });
      flow.proxy('test').rules.splice(0);
      await letGo('denied', '1.1.0');
      expect((await flow.promote('test', ['denied'])).results).toMatchObject([{ status: 'done' }]);
    },
  );

  it('is not asked for what its kind cannot do', async () => {
    const { results } = await back('silent', { stage: 'public' });
    expect(results[0]?.line).toMatch(/not deprecated[\s\S]*GitHub Packages/);
    expect((await of('silent', 'public'))?.tags['latest']).toBe('1.0.0');
    expect(seen('GET', /@acme\/silent\?write=true/, 'public')).toEqual([]);
    expect(await newest('rolled-back')).toMatchObject({ project: 'silent', deprecated: false });
  });

  it('lost the version to go back to: nothing is changed', async () => {
    flow.proxy('test').rules.push({
      method: 'GET',
      path: /^\/@acme\/lostgood$/,
      times: 9,
      fault: { do: 'hide', version: '1.0.0' },
    });
    const before = [await of('lostgood'), await flow.records()];
    const { results } = await back('lostgood');
    expect(results).toMatchObject([{ success: false, error: { code: 'VERSION_GONE' } }]);
    expect([await of('lostgood'), await flow.records()]).toEqual(before);
  });

  it('lost the bad version: there is nothing to deprecate, and it stays held', async () => {
    flow.proxy('test').rules.push({
      method: 'GET',
      path: /^\/@acme\/lostbad(\?|$)/,
      times: 99,
      fault: { do: 'hide', version: '1.1.0' },
    });
    const { results } = await back('lostbad');
    expect(results).toMatchObject([{ status: 'done' }]);
    expect((await of('lostbad'))?.tags['latest']).toBe('1.0.0');
    expect(await recordsOf('lostbad')).toContain('held test lostbad@1.1.0');
  });
});

describe('a rollback that was interrupted', () => {
  it('by a registry that keeps showing the old tag is ended by the same command', async () => {
    const path = /^\/@acme\/stale(\?|$)/;
    const old = (await (await fetch(`${flow.registries.get('public')!.url}/@acme/stale`)).json()) as object;
    // The plan and the move see the truth; then copies are old.
    const copies = { do: 'answer', status: 200, body: old } as const;
    flow.proxy('public').rules.push({ method: 'GET', path, after: 2, times: 99, fault: copies });
    const { results } = await back('stale', { stage: 'public' });
    expect(results).toMatchObject([{ success: false, error: { code: 'TAG_NOT_SEEN_YET' } }]);
    expect(await recordsOf('stale')).not.toContain('held public stale@1.1.0');
    flow.proxy('public').rules.splice(0);
    expect((await back('stale', { stage: 'public' })).results).toMatchObject([{ status: 'done' }]);
    expect((await of('stale', 'public'))?.tags['latest']).toBe('1.0.0');
    expect(await recordsOf('stale')).toContain('held public stale@1.1.0');
  });

  it('by a ledger that takes nothing says that nothing is held yet, and is ended by the same command', async () => {
    const outcome = await flow.with(async (context) => {
      const ledger = await context.ledger();
      vi.spyOn(ledger, 'append').mockRejectedValue(errors.DISK_FULL({ folder: 'ledger' }));
      return rollback(context, { stage: 'test', packages: ['unwritten'] });
    });
    expect(outcome.results).toMatchObject([
      {
        success: false,
        error: { code: 'ROLLBACK_NOT_RECORDED', state: expect.stringMatching(/not held yet/) },
      },
    ]);
    expect((await of('unwritten'))?.tags['latest']).toBe('1.0.0');
    expect((await back('unwritten')).results).toMatchObject([{ status: 'done' }]);
    expect((await recordsOf('unwritten')).slice(-2)).toEqual([
      'rolled-back test unwritten@1.1.0',
      'held test unwritten@1.1.0',
    ]);
  });

  it('between tag and record is ended by the same command', async () => {
    await tagByHand(flow, 'test', '@acme/crashed', 'latest', '1.0.0');
    const moves = seen('PUT', /@acme\/crashed\/dist-tags/).length;
    const { results } = await back('crashed');
    expect(results).toMatchObject([{ status: 'done' }]);
    expect(seen('PUT', /@acme\/crashed\/dist-tags/)).toHaveLength(moves);
    expect((await of('crashed'))?.tags['latest']).toBe('1.0.0');
    expect((await recordsOf('crashed')).slice(-2)).toEqual([
      'rolled-back test crashed@1.1.0',
      'held test crashed@1.1.0',
    ]);
  });

  it('takes back in the stage before what was held by a rollback in the next one', async () => {
    await back('later', { stage: 'public' });
    const { results } = await back('later');
    expect(results).toMatchObject([{ status: 'done', version: '1.1.0' }]);
    expect((await of('later'))?.tags['latest']).toBe('1.0.0');
    expect((await recordsOf('later')).slice(-3)).toEqual([
      'rolled-back public later@1.1.0',
      'held public later@1.1.0',
      'rolled-back test later@1.1.0',
    ]);
  });
});

describe('a release by hand', () => {
  it.each<[string, string, string, string, string]>([
    ['of what is not held', 'again', '1.1.0', 'x', 'UNHOLD_NOTHING'],
    ['without a reason', 'later', '1.1.0', '  ', 'REASON_MISSING'],
    ['of what nobody knows', 'nobody', '1.1.0', 'x', 'PACKAGE_UNKNOWN'],
  ])('%s is refused', async (_, name, version, reason, code) => {
    const before = await flow.records();
    await expect(letGo(name, version, reason)).rejects.toMatchObject({ code, exit: 2 });
    expect(await flow.records()).toEqual(before);
  });
});

/** The newest record of a type, as it stands in the ledger. */
async function newest(type: string): Promise<LedgerRecord> {
  const git = (...args: string[]) =>
    execFileSync('git', ['--git-dir', join(flow.root, '.sluice/local/ledger.git'), ...args], {
      encoding: 'utf8',
    });
  const paths = git('log', '--format=', '--name-only', 'sluice/ledger').split('\n').filter(Boolean);
  for (const path of paths) {
    const { records } = JSON.parse(git('show', `sluice/ledger:${path}`)) as { records: LedgerRecord[] };
    const found = records.find((record) => record.type === type);
    if (found) return found;
  }
  throw new Error(`no ${type}`);
}
