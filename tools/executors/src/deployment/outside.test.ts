import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { askOutside, outsideChecks } from './outside.ts';
import { artifactOf, bundleOf, serving, stageOf, World } from './testing/world.ts';

describe('what is asked from outside', () => {
  it('is the health path where it is reachable by the prefix, else that something answers', () => {
    const bundle = bundleOf('api');
    const stage = stageOf(['deploy@one.example.com:2222', 'two'], { ports: { http: 8080, https: 443 } });
    expect(outsideChecks(stage, bundle)).toEqual([
      { host: 'deploy@one.example.com:2222', url: 'http://one.example.com:8080/healthz', status: 200 },
      { host: 'two', url: 'http://two:8080/healthz', status: 200 },
    ]);
    bundle.config.stages = { staging: { hostnames: ['api.example.com'] } };
    Object.assign(bundle.config.http['api'] ?? {}, { path: '/api' });
    expect(outsideChecks(stageOf(['one']), bundle)).toEqual([
      { host: 'one', url: 'https://api.example.com/api' },
    ]);
    expect(outsideChecks(stageOf(['one'], { proxy: 'none' }), bundle)).toEqual([]);
  });

  it.each<[number, string, object, string]>([
    [200, 'ready', { status: 200, body: 'ready' }, 'right'],
    [200, 'sick', { status: 200, body: 'ready' }, 'wrong'],
    [404, '', { status: 200 }, 'wrong'],
    [404, '', {}, 'right'],
    [502, '', {}, 'wrong'],
  ])('%i "%s" for %o is %s', async (status, body, wanted, answer) => {
    const server = createServer((_, response) => response.writeHead(status).end(body)).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    expect(await askOutside({ host: 'one', url, ...wanted })).toBe(answer);
    await new Promise((resolve) => server.close(resolve));
    expect(await askOutside({ host: 'one', url, ...wanted })).toBe('none');
  });
});

describe('a deployment that turns sick only from outside', () => {
  const started = async () => {
    const world = new World(['one']).promote(artifactOf('api', 'a'));
    await world.deploy();
    return world.promote(artifactOf('api', 'b'));
  };

  it('is taken back where it answered before', async () => {
    const world = await started();
    const before = world.machine('api', 'one').current;
    world.outside = () => (world.count('switch') > 1 ? 'wrong' : 'right');
    const { results } = await world.deploy();
    expect(results[0]).toMatchObject({ outcome: 'restored', error: { code: 'SICK_FROM_OUTSIDE' } });
    expect(world.machine('api', 'one').summary).toEqual(serving(before));
  });

  it('is not where it never answered from here', async () => {
    const world = await started();
    world.outside = () => 'none';
    expect((await world.deploy()).results[0]?.status).toBe('done');
  });
});

describe('what runs is not what was wanted', () => {
  it.each([
    ['OTHER_RELEASE_SERVES', 'serving', 'another'],
    ['OTHER_DIGEST_RUNS', 'container', JSON.stringify({ image: 'x@sha256:0', state: 'running', labels: {} })],
  ])('%s', async (code, key, value) => {
    const world = new World(['one']).promote(artifactOf('api', 'a'));
    const context = world.context.bind(world);
    world.context = (...given) => {
      const made = context(...given);
      return {
        ...made,
        openHost: async (...place) => {
          const host = await made.openHost(...place);
          const run = host.run.bind(host);
          host.run = async (phase, input) => {
            const { facts, log } = await run(phase, input);
            const seen = phase === 'truth' && world.count('switch') > 0 && world.count('undo') === 0;
            return {
              log,
              facts: seen ? facts.map((fact) => (fact.key === key ? lie(fact, value) : fact)) : facts,
            };
          };
          return host;
        },
      };
    };
    const { results } = await world.deploy();
    expect(results[0]).toMatchObject({ outcome: 'restored', error: { code } });
    expect(world.machine('api', 'one').summary).toEqual(serving(undefined));
  });
});

/** The same fact with another value; a container keeps its labels. */
function lie(fact: { key: string; value: string }, value: string) {
  if (fact.key !== 'container') return { ...fact, value };
  const { labels } = JSON.parse(fact.value) as { labels: object };
  return { ...fact, value: JSON.stringify({ ...(JSON.parse(value) as object), labels }) };
}
