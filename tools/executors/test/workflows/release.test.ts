import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toolForTests } from './tools.ts';
import type { Ran } from './runner.ts';
import { Workshop } from './workshop.ts';

const act = toolForTests('act-v0.2.82');
/** One repository goes through its releases in order; each test stands on the one before. */
describe.skipIf(act === undefined)('release.yml, run', { timeout: 600_000 }, () => {
  let shop: Workshop;
  let ran: Ran;
  beforeAll(async () => {
    shop = new Workshop(act as string).withoutServices().withoutLibraries('invoice', 'money');
    const test = { name: 'test', gate: { environment: 'TestGate' } };
    const last = { name: 'public', gate: { environment: 'Production' } };
    await shop.begin([{ name: 'inner' }, test, last], ['TestGate', 'Production']);
  });
  afterAll(() => shop?.close());
  const moving = ({ jobs }: Ran) => Object.keys(jobs).filter((id) => !id.startsWith('announce-'));
  const remote = (...args: string[]) => shop.git(`--git-dir=${shop.remote}`, ...args);

  it('takes a commit on main to the last stage, job after job, each behind its environment', async () => {
    shop.change('units', 'feat(units): one thing');
    ran = await shop.act('release.yml', 'push');
    expect(ran.code, ran.out).toBe(0);
    expect(moving(ran)).toEqual([
      'release',
      'request-test-approval',
      'promote-test',
      'request-public-approval',
      'promote-public',
    ]);
    expect(new Set(Object.values(ran.jobs))).toEqual(new Set(['success']));
    expect(await shop.latest('public', '@acme/units')).toBe('1.1.0');
    expect(await shop.integrity('public', '@acme/units', '1.1.0')).toBe(
      await shop.integrity('inner', '@acme/units', '1.1.0'),
    );
  });

  it('signs its records by the jobs themselves, and records who let them into an environment', async () => {
    const verified = await shop.run('sluice', 'verify');
    expect(verified.code, verified.out).toBe(0);
    const status = JSON.parse((await shop.run('sluice', 'status', '--json')).stdout);
    expect(status.packages[0].stages[2].by).toMatch(/acme\/platform/);
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

  it('tells GitHub what is where, and makes the release with its assets', () => {
    const { deployments, releases } = shop.github.api.state;
    expect(new Set(deployments.map(({ environment }) => environment))).toEqual(
      new Set(['inner', 'TestGate', 'Production']),
    );
    expect(releases.map(({ tag }) => tag)).toContain('units@1.1.0');
    expect(shop.github.api.violations).toEqual([]);
  });

  it('has a job more when a stage was added and the workspace was synced', async () => {
    shop.pull();
    await shop.registry('late');
    shop.options(({ packages, ...options }) => {
      const [first, second, last] = packages.stages;
      const gate = { approvals: { count: 1, from: ['github:rita'] } };
      const late = { name: 'late', registry: shop.url('late'), kind: 'verdaccio', gate };
      return { ...options, packages: { stages: [first, second, late, last] } };
    });
    expect((await shop.run('nx', 'sync:check')).code).not.toBe(0);
    expect((await shop.run('nx', 'sync')).code).toBe(0);
    expect((await shop.run('nx', 'sync:check')).code).toBe(0);
    expect(shop.git('diff', '.github/workflows/release.yml')).toContain('+  promote-late:');
  });

  it('stops where its token is wrong, with the error on top of the run, and goes on when it is run again', async () => {
    const right = shop.secrets['TEST_REGISTRY_TOKEN'] as string;
    shop.secrets['TEST_REGISTRY_TOKEN'] = 'wrong';
    shop.change('logger', 'fix(logger): a word');
    ran = await shop.act('release.yml', 'push');
    expect(ran.code).not.toBe(0);
    expect(ran.jobs).toMatchObject({ release: 'success', 'promote-test': 'failure' });
    expect(moving(ran).at(-1)).toBe('promote-test');
    expect(ran.out).toMatch(/^\[promote-test\] +. +::error title=[A-Z_]+::/mu);
    shop.secrets['TEST_REGISTRY_TOKEN'] = right;
    shop.pull();
    ran = await shop.act('release.yml', 'workflow_dispatch');
    expect(ran.code, ran.out).toBe(0);
    expect(await shop.latest('test', '@acme/logger')).toBe('1.0.1');
  });

  it('waits for nobody where people approve in comments, and ends without a failure', async () => {
    expect(moving(ran)).toEqual([
      'release',
      'request-test-approval',
      'promote-test',
      'request-late-approval',
      'request-public-approval',
    ]);
    expect(await shop.latest('late', '@acme/logger')).toBeUndefined();
  });

  it('takes up an approval in a comment, asks nobody for what is there already, and releases nothing twice', async () => {
    const [, hash = ''] = /<code>\/approve late ([0-9a-f]{64})<\/code>/.exec(ran.out) ?? [];
    const words = `/approve late ${hash} $(touch "$HOME/pwned")`;
    ran = await shop.act('approve.yml', 'issue_comment', shop.github.comment('rita', words));
    expect(ran.code, ran.out).toBe(0);
    expect(shop.github.api.state.comments.at(-1)?.body).toMatch(/^Recorded: rita approves for late/);
    expect(shop.files(join(shop.folder, 'home'))).not.toContain('pwned');
    const main = remote('rev-parse', 'main');
    ran = await shop.act('release.yml', 'workflow_dispatch');
    expect(ran.code, ran.out).toBe(0);
    expect(moving(ran)).toEqual([
      'release',
      'request-test-approval',
      'request-late-approval',
      'promote-late',
      'request-public-approval',
      'promote-public',
    ]);
    expect(remote('rev-parse', 'main')).toBe(main);
    expect(await shop.latest('late', '@acme/logger')).toBe('1.0.1');
    expect(await shop.latest('public', '@acme/logger')).toBe('1.0.1');
  });
});
