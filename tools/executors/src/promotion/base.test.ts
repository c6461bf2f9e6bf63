import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { baseCommit } from './base.ts';
import { rollback } from './rollback.ts';
import { Flow } from './testing/flow.ts';

/** The tests go on from each other, as a repository does. */
let flow: Flow;
let first: string;
let second: string;
const base = (stage = 'test', before = 'github') =>
  flow.with(async (context) =>
    baseCommit(context.repository, await (await context.ledger()).refresh(), stage, before),
  );
/** Projects that real git says were touched since. */
const touched = (since: string) =>
  [
    ...new Set(
      flow
        .git('diff', '--name-only', since, 'HEAD')
        .split('\n')
        .flatMap((path) => /^libs\/([^/]+)/.exec(path)?.[1] ?? []),
    ),
  ].toSorted();
async function publishRelease(version: string, projects: string[]): Promise<string> {
  const commit = await flow.release(version, projects);
  await flow.build(projects);
  const { results } = await flow.publish(projects);
  expect(results.map((result) => result.status)).toEqual(projects.map(() => 'done'));
  return commit;
}

beforeAll(async () => {
  flow = await Flow.start({ packages: { units: [], money: [], logger: [] } });
});
afterAll(() => flow?.close());
let emptyTree: string;
beforeEach(() => {
  emptyTree = flow.git('hash-object', '-t', 'tree', '/dev/null');
});

describe('the base for a stage', () => {
  it('is HEAD where nothing was ever published', async () => {
    expect(await base()).toBe(flow.git('rev-parse', 'HEAD'));
  });

  it('is the empty tree where something never got in', async () => {
    await flow.build();
    await flow.publish();
    first = flow.git('rev-parse', 'HEAD');
    expect(await base()).toBe(emptyTree);
    expect(touched(await base())).toEqual(['logger', 'money', 'units']);
  });

  it('is HEAD where nothing is behind', async () => {
    await flow.promote('test');
    expect(await base()).toBe(first);
    expect(touched(await base())).toEqual([]);
  });

  it('skips nothing: one project goes on, then another that was behind', async () => {
    second = await publishRelease('1.1.0', ['units']);
    await publishRelease('1.1.1', ['money']);
    expect(await base()).toBe(first);
    // The newer one first: its position passes the commit that the other one still waits for.
    await flow.promote('test', ['money']);
    expect(await base()).toBe(first);
    expect(touched(await base())).toContain('units');
    await flow.promote('test', ['units']);
    expect(await base()).toBe(flow.git('rev-parse', 'HEAD'));
  });

  it('is the oldest of several positions, each project having its own', async () => {
    await publishRelease('1.2.0', ['units']);
    await publishRelease('1.2.0', ['money']);
    // units stands at the second release, money at the third.
    expect(await base()).toBe(second);
    expect(touched(await base())).toEqual(['money', 'units']);
    await flow.promote('test');
  });

  it('does not wait for what is held', async () => {
    const bad = await publishRelease('1.3.0', ['logger']);
    await flow.promote('test');
    await flow.promote('public');
    await publishRelease('1.4.0', ['logger']);
    await flow.promote('test');
    expect(await base('public', 'test')).toBe(bad);
    await flow.promote('public');
    await flow.with((context) => rollback(context, { stage: 'public', packages: ['logger'], reason: 'bad' }));
    // test holds 1.4.0, which nothing promotes: public is behind in nothing.
    expect(await base('public', 'test')).toBe(flow.git('rev-parse', 'HEAD'));
  });

  it('is a commit that both lines have where releases came from branches', async () => {
    const fork = flow.git('rev-parse', 'HEAD');
    flow.git('checkout', '--quiet', '-b', 'maintenance');
    await publishRelease('1.5.0', ['units']);
    await flow.promote('test');
    flow.git('checkout', '--quiet', 'main');
    await publishRelease('1.6.0', ['money']);
    await flow.promote('test');
    flow.git('merge', '--quiet', '--no-edit', 'maintenance');
    await publishRelease('1.7.0', ['units', 'money']);
    expect(await base()).toBe(fork);
    expect(touched(await base())).toEqual(['money', 'units']);
    await flow.promote('test');
  });

  it('compares with nothing where HEAD does not have what was released', async () => {
    flow.git('checkout', '--quiet', '-b', 'elsewhere');
    await publishRelease('1.8.0', ['units']);
    flow.git('checkout', '--quiet', 'main');
    expect(await base()).toBe(emptyTree);
    flow.git('merge', '--quiet', 'elsewhere');
    await flow.promote('test');
  });

  it('compares with nothing where what was published is in no commit', async () => {
    await flow.write({
      'libs/units/package.json': JSON.stringify({
        name: '@acme/units',
        version: '1.9.0',
        type: 'module',
        exports: './index.js',
        nx: { name: 'units' },
      }),
    });
    await flow.build(['units']);
    await flow.publish(['units']);
    flow.git('checkout', '--quiet', 'libs');
    expect(touched(flow.git('rev-parse', 'HEAD'))).toEqual([]);
    expect(await base()).toBe(emptyTree);
    await flow.promote('test');
  });

  it('is refused in a shallow clone that does not have the commit', async () => {
    await publishRelease('2.0.0', ['units', 'money']);
    const shallow = join(flow.root, 'home/shallow');
    execFileSync('git', ['clone', '--quiet', '--depth=1', `file://${flow.root}`, shallow], { env: flow.env });
    await expect(
      flow.with(async (context) => {
        const { openRepository } = await import('../git/index.ts');
        const state = await (await context.ledger()).refresh();
        return baseCommit(await openRepository(shallow), state, 'test', 'github');
      }),
    ).rejects.toMatchObject({ code: 'SHALLOW_HISTORY', exit: 2 });
  });
});
