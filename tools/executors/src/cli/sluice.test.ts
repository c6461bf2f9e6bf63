import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Flow } from '../promotion/testing/flow.ts';
import { sluice, type Ran } from './testing/sluice.ts';

let flow: Flow;
let key: string;
const type = (...args: string[]) => sluice(flow.root, flow.env, ...args);
const state = async () =>
  JSON.stringify([await flow.world('test'), await flow.world('public'), await flow.records()]);
const json = (ran: Ran) => JSON.parse(ran.stdout);

beforeAll(async () => {
  flow = await Flow.start({
    packages: { units: [], money: ['units'], solo: [] },
    gates: { public: { approvals: 1 } },
  });
  key = join(flow.root, 'home/rita@acme.example');
  await flow.build();
  await flow.publish();
});
afterAll(() => flow?.close());
beforeEach(() => {
  for (const proxy of flow.proxies.values()) proxy.rules.splice(0);
});

describe('the whole way by hand', () => {
  it('answers in JSON alone, from a sub-folder too', async () => {
    const before = await state();
    const [plan, status, dry] = await Promise.all([
      sluice(join(flow.root, 'libs/units'), flow.env, 'plan', 'test', '--json'),
      sluice(join(flow.root, 'libs'), flow.env, 'status', '--json'),
      type('promote', 'test', 'money', 'units', '--dry-run', '--json'),
    ]);
    expect([plan.code, status.code, dry.code]).toEqual([0, 0, 0]);
    expect(
      json(plan).items.map((item: { project: string; action: string }) => `${item.project} ${item.action}`),
    ).toEqual(['units promote', 'money promote', 'solo promote']);
    expect(json(status).packages).toHaveLength(3);
    expect(json(dry)).toMatchObject({ results: [{ status: 'planned' }, { status: 'planned' }] });
    expect(await state()).toBe(before);
  });

  it('tells a job what waits, and refuses what was not shown to it', async () => {
    const [summary, output] = [join(flow.root, 'summary'), join(flow.root, 'output')];
    const inJob = {
      ...flow.env,
      GITHUB_ACTIONS: 'true',
      GITHUB_STEP_SUMMARY: summary,
      GITHUB_OUTPUT: output,
    };
    const run = (...args: string[]) => sluice(flow.root, inJob, ...args);
    expect((await run('plan', 'test', 'units', '--job')).code).toBe(0);
    const written = await readFile(output, 'utf8');
    expect(written).toMatch(/^waiting=true\nopen=true\nitems=@acme\/units@1\.0\.0=sha512-\S+\n$/);
    expect(await readFile(summary, 'utf8')).toMatch(/\| @acme\/units \| \\- \| 1\.0\.0 \| promote \|/);
    expect((await run('status', '--job')).code).toBe(0);
    expect(await readFile(summary, 'utf8')).toContain('```mermaid');

    // Nothing came as far as the stage before yet: nobody is asked, and nothing failed.
    expect((await run('plan', 'public', '--job')).code).toBe(0);
    expect((await readFile(output, 'utf8')).slice(written.length)).toBe('waiting=false\nopen=true\nitems=\n');
    expect((await run('plan', 'public')).code).toBe(1);

    const shown = /items=(.*)/.exec(written)?.[1] ?? '';
    expect((await run('plan', 'test', 'units', '--expect', `${shown} @acme/gone@1.0.0=x`)).code).toBe(0);
    const other = await run('plan', 'test', '--expect', shown);
    expect(other.code).toBe(1);
    expect(other.stderr).toMatch(/^::error title=PLAN_CHANGED::.*@acme\/money@1\.0\.0/m);
  });

  it('promotes, and does nothing the second time', async () => {
    const first = await type('promote', 'test');
    expect({ code: first.code, stdout: first.stdout }).toEqual({ code: 0, stdout: '' });
    expect(first.stderr).toMatch(
      /@acme\/money@1\.0\.0 -> test: planned, accepted, visible, verified, tagged/,
    );
    const before = await state();
    const second = await type('promote', 'test', '--json');
    expect(second.code).toBe(0);
    expect(json(second).results.map((result: { status: string }) => result.status)).toEqual([
      'nothing',
      'nothing',
      'nothing',
    ]);
    expect(await state()).toBe(before);
  });

  it('stops at a closed gate with 3, and has changed nothing', async () => {
    const before = await state();
    const sent = () => flow.proxy('public').requests.filter(({ method }) => method !== 'GET').length;
    const [promote, asJson, plan] = await Promise.all([
      type('promote', 'public'),
      type('promote', 'public', '--json'),
      type('plan', 'public'),
    ]);
    expect([promote.code, asJson.code, plan.code]).toEqual([3, 3, 3]);
    expect(promote.stderr).toMatch(
      /GATE_CLOSED[\s\S]*can be given by rita@acme\.example[\s\S]*next: npx nx approve -c public/,
    );
    expect(promote.stderr.match(/GATE_CLOSED/g)).toHaveLength(1);
    expect(json(asJson).results[0].error).toMatchObject({
      code: 'GATE_CLOSED',
      next: 'npx nx approve -c public',
    });
    expect(plan.stdout).toMatch(/closed approvals: 0 of 1/);
    expect([await state(), sent()]).toEqual([before, 0]);
  });

  it('goes on when it was approved, for what was approved', async () => {
    const here = join(flow.root, 'libs/units');
    const file = relative(here, key);
    const approved = await sluice(
      here,
      flow.env,
      'approve',
      'public',
      'units',
      '--key',
      file,
      '--comment',
      'read it',
      '--json',
    );
    expect(approved.code).toBe(0);
    expect(json(approved)).toMatchObject({ by: 'rita@acme.example', open: ['@acme/units@1.0.0'] });
    const some = await type('promote', 'public', '--json');
    // One went, two are closed: not "nothing was changed".
    expect(some.code).toBe(1);
    expect((await flow.world('public'))['units']?.tags['latest']).toBe('1.0.0');
    expect((await flow.world('public'))['money']).toBeUndefined();
    const rest = await type('approve', 'public', '--key', key, '--yes');
    expect(rest.stdout).toMatch(
      /^approved by rita@acme\.example: plan [0-9a-f]{12} for public\nopen: @acme\/money@1\.0\.0, @acme\/solo@1\.0\.0/,
    );
    expect((await type('promote', 'public')).code).toBe(0);
    const [verify, status] = await Promise.all([type('verify', '--json'), type('status')]);
    expect(json(verify)).toMatchObject({ ok: true, proved: 9 });
    expect(status.stdout).toMatch(/^units .*approved by rita@acme\.example\)$/m);
  });

  it('prints the base alone, also from a detached head', async () => {
    flow.git('checkout', '--quiet', '--detach');
    const ran = await type('base', 'public');
    expect(ran).toEqual({ code: 0, stdout: `${flow.git('rev-parse', 'HEAD')}\n`, stderr: '' });
    flow.git('checkout', '--quiet', 'main');
    const [first, unknown] = await Promise.all([type('base', 'github'), type('base', 'tset')]);
    expect([first.code, first.stdout, unknown.code, unknown.stdout]).toEqual([2, '', 2, '']);
  });

  it('takes back, and lets go again', async () => {
    await flow.release('1.1.0', ['solo']);
    await flow.build(['solo']);
    await flow.publish(['solo']);
    expect((await type('promote', 'test', 'solo')).code).toBe(0);
    const back = await type('rollback', 'test', 'solo', '--reason', 'it is slow', '--json');
    expect(back.code).toBe(0);
    expect(json(back)).toMatchObject({ plans: [{ to: '1.0.0' }], results: [{ status: 'done' }] });
    const held = await type('promote', 'test', 'solo', '--version', '1.1.0');
    expect(held.code).toBe(1);
    expect(held.stderr).toMatch(/HELD: @acme\/solo@1\.1\.0 is held: it is slow/);
    const free = await type('unhold', 'solo', '1.1.0', '--reason', 'it is not');
    expect([free.code, free.stdout]).toEqual([0, '@acme/solo@1.1.0 may be promoted again\n']);
    expect((await type('promote', 'test', 'solo')).code).toBe(0);
    expect((await flow.world('test'))['solo']?.tags['latest']).toBe('1.1.0');
  });
});

describe('what fails', () => {
  it('ends with 1, and says it on standard error', async () => {
    flow
      .proxy('test')
      .rules.push({ path: /^\/@acme\/solo$/, times: 99, fault: { do: 'answer', status: 401 } });
    const [plan, verify] = await Promise.all([type('plan', 'test', 'solo'), type('verify', 'test')]);
    expect([plan.code, verify.code]).toEqual([1, 1]);
    expect(plan.stdout).toMatch(/TOKEN_REFUSED/);
    expect(verify.stdout).toMatch(/PROBLEM unproved: TOKEN_REFUSED/);
  });
});

describe('bad input', () => {
  it.each<[string, string[], string, NodeJS.ProcessEnv?]>([
    ['an unknown stage', ['promote', 'tset'], 'STAGE_UNKNOWN'],
    ['the first stage', ['plan', 'github'], 'FIRST_STAGE'],
    ['an unknown package', ['promote', 'test', 'mony'], 'PACKAGE_UNKNOWN'],
    ['a version of no package', ['promote', 'test', '--version', '1.0.0'], 'VERSION_WITHOUT_PACKAGE'],
    ['an unknown stage to verify', ['verify', 'tset'], 'STAGE_UNKNOWN'],
    ['an override without a reason', ['override', 'test', '--reason', ''], 'REASON_MISSING'],
    ['a key that is nowhere', ['approve', 'public', 'solo', '--key', 'no-such-key'], 'SIGNING_KEY_UNUSABLE'],
    ['an unknown profile', ['status'], 'PROFILE_UNKNOWN', { SLUICE_PROFILE: 'prod' }],
    [
      'an address with a password',
      ['plan', 'test'],
      'ADDRESS_INVALID',
      { SLUICE_TEST_REGISTRY: 'http://me:hunter2hunter2@127.0.0.1:1' },
    ],
  ])('%s is 2', async (_, args, code, env = {}) => {
    await expectBad(await sluice(flow.root, { ...flow.env, ...env }, ...args), code);
  });

  it('a rollback of nothing is 2', async () => {
    const { code, stderr } = await type('rollback', 'test');
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining("missing argument 'packages'"),
    });
    const none = await type('rollback', 'test', '--of-this-run');
    expect(none.code).toBe(0);
    expect(none.stdout).toMatch(/^nothing that serves in test was deployed by \S+: nothing to do$/m);
  });

  it('of the place is 2: no workspace, no repository, no commit, no plugin, a wrong option', async () => {
    const outside = dirname(flow.root);
    const nxJson = await readFile(join(flow.root, 'nx.json'), 'utf8');
    const place = async (name: string, text: string, git: boolean) => {
      const folder = join(outside, name);
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, 'nx.json'), text);
      if (git) flow.git('init', '--quiet', folder);
      return sluice(folder, { ...flow.env, GIT_CEILING_DIRECTORIES: outside }, 'status', '--json');
    };
    const wrong = nxJson.replace('"name":"test"', '"name":"test","registy":"x"');
    const [none, repository, commit, plugin, option] = await Promise.all([
      sluice(outside, flow.env, 'status', '--json'),
      place('no-git', nxJson, false),
      place('no-commit', nxJson, true),
      place('no-plugin', '{"plugins":[]}', true),
      place('wrong-option', wrong, true),
    ]);
    await expectBad(none, 'NO_WORKSPACE');
    await expectBad(repository, 'NO_GIT_REPOSITORY');
    await expectBad(commit, 'NO_COMMIT');
    await expectBad(plugin, 'PLUGIN_NOT_REGISTERED');
    await expectBad(option, 'CONFIG_INVALID');
    expect(option.stderr).toMatch(
      /packages\.stages\[1\]\.registy: is not an option; did you mean "registry"\?/,
    );
  });

  async function expectBad(ran: Ran, code: string) {
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toMatch(new RegExp(`^${code}: [\\s\\S]+\\n {2}now: {2}.+\\n {2}next: .+\\n$`));
    expect(ran.stderr).not.toMatch(/hunter2| at .*\.[tj]s:\d+/);
  }
});
