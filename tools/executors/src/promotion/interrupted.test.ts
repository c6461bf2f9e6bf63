import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EngineOptions } from './carry.ts';
import { start } from './testing/child.ts';
import { endState } from './testing/crash.ts';
import { Flow } from './testing/flow.ts';
import { PACKAGES } from './testing/packages.ts';
import { until } from './testing/until.ts';

const projects = Object.keys(PACKAGES).toSorted();
let flow: Flow;
beforeEach(async () => {
  flow = await Flow.start({ packages: PACKAGES });
  await flow.build();
  await flow.publish();
  await flow.promote('test');
  await flow.release('1.1.0');
  await flow.build();
  await flow.publish();
  for (const proxy of flow.proxies.values()) proxy.requests.length = 0;
});
afterEach(() => flow?.close());

const requests = () => flow.proxy('test').requests;
const tagged = () =>
  requests().flatMap(({ path, status }) =>
    status === 201 ? (/(\w+)\/dist-tags\/latest$/.exec(path)?.[1] ?? []) : [],
  );
const recorded = async () =>
  (await flow.records()).flatMap((line) => /^promoted test (\w+)@1\.1\.0$/.exec(line)?.[1] ?? []).toSorted();
const latest = async () =>
  Object.entries(await flow.world('test'))
    .filter(([, { tags }]) => tags['latest'] === '1.1.0')
    .map(([project]) => project)
    .toSorted();
const without = (...left: string[]) => projects.filter((project) => !left.includes(project));

/** All is there, recorded once and proved. */
async function expectWhole(): Promise<void> {
  expect(await latest()).toEqual(projects);
  expect(await recorded()).toEqual(projects);
  expect(await endState(flow)).toMatchObject({ findings: [], status: '' });
}

describe('stopped by a person', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)(
    '%s keeps what was reached, and the next run ends it',
    async (signal) => {
      const reached = without('invoice', 'shop');
      let stopped = 0;
      const child = start(flow, { command: 'promote', options: { stage: 'test' } });
      // A registry that takes its time over one package, while all others that can get on get to their tag.
      flow.proxy('test').rules.push({
        method: 'PUT',
        path: /^\/@acme\/invoice$/,
        fault: {
          do: 'meanwhile',
          work: async () => {
            await until(() => tagged().length === reached.length);
            stopped = performance.now();
            child.process.kill(signal);
            await child.ended;
          },
        },
      });
      const { code, results, signal: by } = await child.ended;
      expect(performance.now() - stopped).toBeLessThan(5_000);
      expect([code, by]).toEqual([1, null]);
      expect(await recorded()).toEqual(reached);
      expect(await latest()).toEqual(reached);
      const said = Object.keys(results).filter((project) => results[project]?.success);
      expect(said.toSorted()).toEqual(reached);
      for (const project of ['invoice', 'shop'])
        expect(results[project]?.text).toMatch(/^CANCELLED: .*\n.*reached: planned/);

      flow.proxy('test').rules.length = 0;
      expect((await flow.promote('test')).results.filter((result) => !result.success)).toEqual([]);
      await expectWhole();
    },
  );
});

/** Attempts end soon; between them time flies, so that there are no more than two. */
function impatient(): EngineOptions {
  let now = 0;
  return {
    attemptLimit: 2_000,
    clock: { now: () => (now += 61_000), sleep: async () => {}, random: () => 0 },
  };
}

describe('a registry that never answers', () => {
  it('to the put of one package: that one and its dependents stop, the others arrive', async () => {
    const hang = { method: 'PUT', path: /^\/@acme\/money$/, times: Infinity, fault: { do: 'hang' } } as const;
    flow.proxy('test').rules.push(hang);
    const { results } = await flow.promote('test', undefined, impatient());
    const failed = results.filter((result) => !result.success);
    expect(failed.map(({ project, error }) => `${project} ${error?.code}`)).toEqual([
      'money STEP_TIMED_OUT',
      'tax DEPENDENCY_FAILED',
      'invoice DEPENDENCY_FAILED',
      'shop DEPENDENCY_FAILED',
    ]);
    expect(await recorded()).toEqual(without('money', 'tax', 'invoice', 'shop'));
    expect(await latest()).toEqual(await recorded());

    flow.proxy('test').rules.length = 0;
    await flow.promote('test');
    await expectWhole();
  });

  it('to anything: every package says so, and nothing was changed', async () => {
    const before = await flow.world('test');
    const records = await flow.records();
    flow.proxy('test').rules.push({ times: Infinity, fault: { do: 'hang' } });
    const { results } = await flow.promote('test', undefined, impatient());
    expect(results.map(({ error }) => error?.code)).toEqual(Array(8).fill('STEP_TIMED_OUT'));
    expect(await flow.world('test')).toEqual(before);
    expect(await flow.records()).toEqual(records);
  });
});

describe('a package that is refused for good', () => {
  it('stops its dependents alone; a later run goes on without touching what was done', async () => {
    const stopped = ['money', 'tax', 'invoice', 'shop'];
    flow.proxy('test').rules.push({
      method: 'PUT',
      path: /^\/@acme\/money$/,
      times: Infinity,
      fault: { do: 'answer', status: 403, body: { error: 'not for you' } },
    });
    const { results } = await flow.promote('test');
    expect(
      results
        .filter((result) => !result.success)
        .map(({ project, status, error }) => [project, status, error?.code]),
    ).toEqual([
      ['money', 'failed', 'SCOPE_REFUSED'],
      ['tax', 'blocked', 'DEPENDENCY_FAILED'],
      ['invoice', 'blocked', 'DEPENDENCY_FAILED'],
      ['shop', 'blocked', 'DEPENDENCY_FAILED'],
    ]);
    expect(await latest()).toEqual(without(...stopped));
    expect(await recorded()).toEqual(without(...stopped));
    // Refused is refused: nobody asked twice.
    expect(requests().filter(({ method, path }) => method === 'PUT' && path === '/@acme/money')).toHaveLength(
      1,
    );

    flow.proxy('test').rules.length = 0;
    requests().length = 0;
    await flow.promote('test');
    await expectWhole();
    const lines = requests().map(({ method, path }) => `${method} ${path}`);
    for (const project of projects) {
      const puts = lines.filter((line) => line === `PUT /@acme/${project}`);
      const moves = lines.filter((line) => line === `PUT /-/package/@acme/${project}/dist-tags/latest`);
      const times = stopped.includes(project) ? 1 : 0;
      expect({ project, puts: puts.length, moves: moves.length }).toEqual({
        project,
        puts: times,
        moves: times,
      });
    }
  });
});
