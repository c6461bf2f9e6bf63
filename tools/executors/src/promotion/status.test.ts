import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatStatus } from '../report/status.ts';
import { approve } from './approve.ts';
import { rollback } from './rollback.ts';
import { assembleStatus, statusOf } from './status.ts';
import { Flow } from './testing/flow.ts';

let flow: Flow;
beforeAll(async () => {
  flow = await Flow.start({
    packages: { calm: [], gated: [], bad: [], fresh: [] },
    gates: { public: { approvals: 1 } },
  });
  await flow.build();
  await flow.publish(['calm', 'gated', 'bad']);
  await flow.promote('test');
  const requests = ['calm', 'bad'].map((project) => ({ project, name: `@acme/${project}` }));
  await flow.with((context) => approve(context, { stage: 'public', requests }), 'rita@acme.example');
  await flow.promote('public');
  await flow.release('1.1.0', ['bad', 'calm']);
  await flow.build(['bad', 'calm']);
  await flow.publish(['bad', 'calm']);
  await flow.promote('test', ['bad']);
  await flow.with((context) => rollback(context, { stage: 'test', packages: ['bad'] }));
});
afterAll(() => flow?.close());

describe('status', () => {
  it('says what is where, who approved it, what waits for what, and what is held', async () => {
    const status = await flow.with(statusOf);
    expect(status).toMatchObject({
      schemaVersion: 1,
      profile: 'local',
      ledgerHead: expect.stringMatching(/^[0-9a-f]{40}$/),
    });
    expect(status.records).toBe((await flow.records()).length);
    const there = status.packages.flatMap((one) => one.stages.filter((stage) => stage.version));
    expect(there.map(({ since, integrity, by }) => [since, integrity, by])).toEqual(
      there.map(() => [expect.stringMatching(/Z$/), expect.stringMatching(/^sha512-/), 'unsigned']),
    );
    const short = Object.fromEntries(
      status.packages.map(({ project, stages }) => [
        project,
        stages.map(({ stage: _, since: __, integrity: ___, by: ____, ...rest }) => rest),
      ]),
    );
    const approvedBy: string[] = [];
    expect(short).toEqual({
      bad: [
        { approvedBy, version: '1.1.0', isHeld: true, held: ['1.1.0'] },
        { approvedBy, version: '1.0.0', held: ['1.1.0'] },
        { approvedBy: ['rita@acme.example'], version: '1.0.0' },
      ],
      calm: [
        { approvedBy, version: '1.1.0' },
        { approvedBy, version: '1.0.0', waiting: '1.1.0' },
        { approvedBy: ['rita@acme.example'], version: '1.0.0' },
      ],
      // Never published: shown all the same.
      fresh: [{ approvedBy }, { approvedBy }, { approvedBy }],
      gated: [
        { approvedBy, version: '1.0.0' },
        { approvedBy, version: '1.0.0' },
        { approvedBy, waiting: '1.0.0', waitsFor: [expect.stringMatching(/^0 of 1 approvals.*rita/)] },
      ],
    });
  });

  it('is a table for a person', async () => {
    const text = formatStatus(await flow.with(statusOf), new Date(Date.now() + 3 * 86_400_000));
    expect(text).toMatch(/^package +github +test +public$/m);
    expect(text).toMatch(
      /^bad +1\.1\.0 HELD \(3 days\) +1\.0\.0 \(3 days\) +1\.0\.0 \(3 days, approved by rita@acme\.example\)$/m,
    );
    expect(text).toMatch(/^ {2}calm 1\.1\.0 -> test: can be promoted$/m);
    expect(text).toMatch(/^ {2}gated 1\.0\.0 -> public: 0 of 1 approvals/m);
    expect(text).toMatch(/held \(npx sluice unhold .*\n {2}bad 1\.1\.0$/m);
  });

  it('says what a promotion would fail with, instead of that it can be promoted', async () => {
    flow.proxy('public').rules.push({ times: 9, fault: { do: 'answer', status: 401 } });
    const text = formatStatus(await flow.with(statusOf), new Date());
    flow.proxy('public').rules.splice(0);
    expect(text).toMatch(/^ {2}gated 1\.0\.0 -> public: TOKEN_REFUSED: /m);
  });

  it('asks no registry but those that something waits for behind a gate', async () => {
    const before = ['github', 'test', 'public'].map((stage) => flow.proxies.get(stage)!.requests.length);
    await flow.with(statusOf);
    const after = ['github', 'test', 'public'].map((stage) => flow.proxies.get(stage)!.requests.length);
    expect(after.map((count, index) => count - before[index]!)).toEqual([0, 0, 1]);
  });

  it('has room for packages that were never published', async () => {
    const state = await flow.with(async (context) => (await context.ledger()).refresh());
    const others = [
      { project: 'fresh', name: '@acme/fresh', pipeline: 'packages' as const },
      { project: 'calm', name: '@acme/calm', pipeline: 'packages' as const },
    ];
    const { packages } = assembleStatus({ state, profile: 'local', stages: ['github', 'test'], others });
    expect(packages.map((one) => one.project)).toEqual(['bad', 'calm', 'fresh', 'gated']);
    expect(packages[2]?.stages).toEqual([
      { stage: 'github', approvedBy: [] },
      { stage: 'test', approvedBy: [] },
    ]);
  });
});
