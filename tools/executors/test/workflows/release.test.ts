import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toolForTests } from './tools.ts';
import { Workshop, type Ran } from './workshop.ts';

const act = toolForTests('act-v0.2.82');
const REVIEWED = { approvals: { count: 1, from: ['rita@acme.example'] } };

/** One repository goes through its releases in order; each test stands on the one before. */
describe.skipIf(act === undefined)('release.yml, run', { timeout: 240_000 }, () => {
  let shop: Workshop;
  let ran: Ran;
  beforeAll(async () => {
    shop = new Workshop(act as string).withoutServices();
    await shop.begin([{ name: 'inner' }, { name: 'test' }, { name: 'public', gate: REVIEWED }]);
  });
  afterAll(() => shop?.close());
  const remote = (...args: string[]) => shop.git(`--git-dir=${shop.remote}`, ...args);

  it('takes a commit on main as far as nobody has to be asked, job after job', async () => {
    shop.change('units', 'feat(units): one thing');
    ran = await shop.act('release.yml', 'push');
    expect(ran.code, ran.out).toBe(0);
    expect(Object.keys(ran.jobs)).toEqual(['release', 'promote-test', 'request-public-approval']);
    expect(new Set(Object.values(ran.jobs))).toEqual(new Set(['success']));
    expect(await shop.latest('test', '@acme/units')).toBe('1.1.0');
    expect(await shop.latest('public', '@acme/units')).toBeUndefined();
  });

  it('pushes the release commit, the tags and the ledger', () => {
    expect(remote('log', '-1', '--format=%an %s', 'main')).toMatch(/^github-actions\[bot\] .*release/);
    expect(remote('rev-parse', 'units@1.1.0^{commit}')).toBe(remote('rev-parse', 'main'));
    expect(remote('rev-list', '--count', 'sluice/ledger')).not.toBe('0');
  });

  it('keeps what was built, once, as an artifact', () => {
    expect(shop.files(join(shop.artifacts(), 'artifacts'))).toContain('units/acme-units-1.1.0.tgz');
    expect(ran.out.match(/^\[[\w-]+\] ⭐ Run Main Build/gm)).toEqual(['[release] ⭐ Run Main Build']);
  });

  it('shows plan and table in the summaries, and tells that somebody is asked', () => {
    expect(ran.out).toContain('### test → public');
    expect(ran.out).toContain('flowchart LR');
    expect(ran.out).toMatch(
      /\[request-public-approval\].*::warning title=.*wait for an approval to enter public/,
    );
  });

  it('goes on to the last stage once it was approved, with the same bytes', async () => {
    shop.pull();
    const approved = await shop.run('sluice', 'approve', 'public', '--yes');
    expect(approved.code, approved.out).toBe(0);
    ran = await shop.act('release.yml', 'workflow_dispatch');
    expect(ran.code, ran.out).toBe(0);
    expect(Object.keys(ran.jobs)).toEqual([
      'release',
      'promote-test',
      'request-public-approval',
      'promote-public',
    ]);
    expect(await shop.latest('public', '@acme/units')).toBe('1.1.0');
    expect(await shop.integrity('public', '@acme/units', '1.1.0')).toBe(
      await shop.integrity('inner', '@acme/units', '1.1.0'),
    );
  });

  it('has a job more when a stage was added and the workspace was synced', async () => {
    shop.pull();
    await shop.registry('late');
    const to = `--registry=${shop.url('late')}`;
    const added = await shop.run('nx', 'g', '@sluice/nx:stage', 'late', '--after=test', to);
    expect(added.code, added.out).toBe(0);
    expect((await shop.run('nx', 'sync:check')).code).not.toBe(0);
    expect((await shop.run('nx', 'sync')).code).toBe(0);
    expect((await shop.run('nx', 'sync:check')).code).toBe(0);
    shop.change('logger', 'fix(logger): a word');
    ran = await shop.act('release.yml', 'push');
    expect(ran.code, ran.out).toBe(0);
    expect(Object.keys(ran.jobs)).toEqual([
      'release',
      'promote-test',
      'promote-late',
      'request-public-approval',
    ]);
    expect(await shop.latest('late', '@acme/logger')).toBe('1.0.1');
  });

  it('stops where a token is wrong, with the error on top of the run, and goes on when it is run again', async () => {
    shop.pull();
    shop.change('money', 'fix(money): a cent');
    const right = shop.secrets['LATE_REGISTRY_TOKEN'] as string;
    shop.secrets['LATE_REGISTRY_TOKEN'] = 'wrong';
    ran = await shop.act('release.yml', 'push');
    expect(ran.code).not.toBe(0);
    expect(ran.jobs).toEqual({ release: 'success', 'promote-test': 'success', 'promote-late': 'failure' });
    expect(ran.out).toMatch(/^\[promote-late\] +. +::error title=[A-Z_]+::/mu);
    shop.secrets['LATE_REGISTRY_TOKEN'] = right;
    shop.pull();
    ran = await shop.act('release.yml', 'workflow_dispatch');
    expect(ran.code, ran.out).toBe(0);
    const released = await shop.latest('inner', '@acme/money');
    expect(await shop.latest('late', '@acme/money')).toBe(released);
  });
});
