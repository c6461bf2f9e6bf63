import { describe, expect, it } from 'vitest';
import { Secret } from '../foundation/index.ts';
import type { ServiceStage } from '../service/types.ts';
import { releasesOf, truthOf } from './facts.ts';
import { checkRequest } from './plan.ts';
import { planDeployment } from './prepare.ts';
import { composeHash, isImmutable, releaseName } from './release.ts';
import { driftOf } from './releases.ts';
import { tarOf } from './tar.ts';
import { artifactOf, bundleOf, digestOf, stageOf, World } from './testing/world.ts';
import type { RenderInput } from './types.ts';
import { environmentHash, readEnvFile, resolveVariables } from './variables.ts';
import { canaryWeight, wavesOf } from './waves.ts';

const codeOf = (run: () => unknown): string | undefined => {
  try {
    run();
    return undefined;
  } catch (error) {
    return (error as { code?: string }).code;
  }
};

it.each<[number, number[]]>([
  [1, [0, 1, 2, 3, 4]],
  [2, [0, 1, 1, 2, 2]],
  [9, [0, 1, 1, 1, 1]],
  [0, [0, 1, 2, 3, 4]],
])('hosts go in waves, the first alone, then %i at once', (parallel, waves) => {
  const hosts = wavesOf(['a', 'b', 'c', 'd', 'e'], parallel);
  expect(hosts.map(({ wave }) => wave)).toEqual(waves);
  expect(hosts.filter(({ leader }) => leader).map(({ name }) => name)).toEqual(['a']);
});

it.each([
  ['10%', 10],
  [5, 5],
  ['1', 1],
  ['99%', 99],
])('a canary of %s is %i in a hundred', (said, weight) => expect(canaryWeight(said)).toBe(weight));

it.each(['0', '100%', '-5', 'ten', '5.5', ''])('a canary of "%s" is none', (said) =>
  expect(codeOf(() => canaryWeight(said))).toBe('CANARY_INVALID'),
);

it('names a release by time and digest', () => {
  const now = new Date('2026-01-02T03:04:05.678Z');
  expect(releaseName(`sha256:${'ab'.repeat(32)}`, now)).toBe('20260102T030405-abababababab');
});

it.each([
  ['sha-0123456789ab', true],
  ['sha-0123456789ab-01234567', true],
  [digestOf('a'), true],
  ['latest', false],
  ['staging', false],
  ['1.2.3', false],
  ['ghcr.io/acme/api:staging', false],
  ['sha-0123', false],
])('%s names an artifact for good: %s', (version, immutable) => expect(isImmutable(version)).toBe(immutable));

describe('what is wrong with a request', () => {
  it.each<[string, Partial<ServiceStage>, string | undefined]>([
    ['SERVICE_NO_HOSTS', { hosts: [] }, undefined],
    ['TAG_INSTEAD_OF_DIGEST', {}, 'latest'],
  ])('%s', (code, stage, version) => {
    const request = { project: 'api', name: '@acme/api', ...(version ? { version } : {}) };
    expect(codeOf(() => checkRequest(stageOf(['one'], stage), request))).toBe(code);
  });

  it('is said before any host is opened', async () => {
    for (const [code, request] of [
      ['TAG_INSTEAD_OF_DIGEST', { version: 'latest' }],
      ['DIGEST_NOT_PROMOTED', { version: 'sha-ffffffffffff' }],
      ['CANARY_INVALID', { canary: 'all' }],
    ] as const) {
      const world = new World(['one']).promote(artifactOf('api', 'a'));
      const { results } = await world.deploy({ request });
      expect(results[0]).toMatchObject({ outcome: 'unchanged', error: { code } });
      expect(world.hosts).toEqual([]);
    }
  });

  it('a canary needs a proxy', async () => {
    const world = new World(['one'], { proxy: 'none' }).promote(artifactOf('api', 'a'));
    const { results } = await world.deploy({ request: { canary: 10 } });
    expect(results[0]?.error?.code).toBe('CANARY_WITHOUT_PROXY');
  });

  it('a clock that is far off is found before anything is changed', async () => {
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
            const result = await run(phase, input);
            return phase === 'preflight' ? { ...result, facts: [{ key: 'clock', value: '1000' }] } : result;
          };
          return host;
        },
      };
    };
    expect((await world.deploy()).results[0]).toMatchObject({
      outcome: 'unchanged',
      error: { code: 'CLOCK_SKEW' },
    });
    expect(world.count('lock')).toBe(0);
  });

  it('a gate that is closed keeps a deployment from beginning', async () => {
    const gate = {
      open: false,
      approvals: [],
      policy: 'p',
      results: [{ condition: 'freeze' as const, open: false, detail: 'a holiday' }],
    };
    const world = new World(['one']).promote({ ...artifactOf('api', 'a'), gate });
    const { results, plans } = await world.deploy();
    expect(plans[0]?.action).toBe('refused');
    expect(results[0]).toMatchObject({
      success: false,
      outcome: 'unchanged',
      error: { code: 'GATE_CLOSED', exit: 3 },
    });
    expect(world.count('lock')).toBe(0);
  });
});

describe('variables', () => {
  const bundle = bundleOf('api', { secrets: ['TOKEN'] });
  bundle.config.stages = { staging: { environment: { GREETING: 'staging' } } };
  const resolve = (env: Record<string, string>, given?: Record<string, string>, stage = 'staging') =>
    resolveVariables({ bundle, stage, env, ...(given ? { given } : {}) });

  it('come from the service, the stage and the file, the last winning; only secrets from the environment', () => {
    expect(resolve({ TOKEN: 'from env', GREETING: 'not taken' })).toMatchObject({ GREETING: 'staging' });
    expect(resolve({ TOKEN: 'from env' }, undefined, 'production')).toMatchObject({ GREETING: 'hello' });
    const { TOKEN, GREETING } = resolve({ TOKEN: 'from env' }, { TOKEN: 'from file', GREETING: 'file' });
    expect(GREETING).toBe('file');
    expect(TOKEN).toBeInstanceOf(Secret);
    expect((TOKEN as Secret).reveal()).toBe('from file');
  });

  it.each([{}, { TOKEN: '' }])('a secret without a value is missing (%o)', (env) => {
    expect(codeOf(() => resolve(env as Record<string, string>))).toBe('VARIABLE_MISSING');
  });

  it('a file that is not there is said', async () => {
    await expect(readEnvFile('/nowhere', 'none.env')).rejects.toMatchObject({ code: 'ENV_FILE_UNREADABLE' });
  });

  it('have a hash that tells whether they differ, whatever their order', async () => {
    const [one, two, three, four] = await Promise.all([
      environmentHash({ A: '1', B: new Secret('secret-b') }, 'api staging'),
      environmentHash({ B: 'secret-b', A: '1' }, 'api staging'),
      environmentHash({ A: '1', B: 'secret-c' }, 'api staging'),
      environmentHash({ A: '1', B: 'secret-b' }, 'api production'),
    ]);
    expect(two).toBe(one);
    expect(new Set([one, three, four]).size).toBe(3);
  });
});

it('the hash of what a release is made of knows nothing of values, and of all else', () => {
  const images = { api: 'a@sha256:1' };
  const base = composeHash(bundleOf('api'), images, stageOf(['one']));
  const other = bundleOf('api');
  other.config.environment = { GREETING: 'other' };
  expect(composeHash(other, images, stageOf(['two']))).toBe(base);
  expect(composeHash(bundleOf('web'), images, stageOf(['one']))).not.toBe(base);
  expect(composeHash(bundleOf('api'), { api: 'b' }, stageOf(['one']))).not.toBe(base);
  expect(composeHash(bundleOf('api'), images, stageOf(['one'], { proxy: 'none' }))).not.toBe(base);
});

describe('what a service may say of itself', () => {
  it('is there without being said, and makes no two releases differ', async () => {
    const world = new World(['one']);
    const artifact = artifactOf('api', 'a');
    world.promote(artifact);
    const context = world.context();
    let rendered: RenderInput | undefined;
    const passage = await planDeployment(
      { ...context, render: (input) => context.render((rendered = input)) },
      { project: 'api', name: '@acme/api' },
      { stage: world.stage },
    );
    const { release } = passage.plan.release;
    expect(rendered?.variables).toMatchObject({
      GREETING: 'hello',
      SLUICE_VERSION: artifact.version,
      SLUICE_ENVIRONMENT: 'staging',
      SLUICE_RELEASE: release,
    });
    expect(passage.plan.release.environmentHash).not.toContain('SLUICE_');
  });
});

describe('what hosts say', () => {
  it('is read, whatever else is in it', () => {
    const fact = (key: string, value: string) => ({ key, value });
    const truth = truthOf({
      log: [],
      facts: [
        fact('current', 'r1'),
        fact('previous', ''),
        fact('lock', '{"state":"expired","owner":"a b","run":"x","age":3,"ttl":60}'),
        fact('journal', '2026-01-01T00:00:00Z run-1 pull done'),
        fact(
          'container',
          '{"image":"i@sha256:1","state":"running","labels":{"com.sluice.release":"r1","com.sluice.part":"api"}}',
        ),
        fact('container', 'no json'),
      ],
    });
    expect(truth).toEqual({
      current: 'r1',
      lock: { state: 'expired', owner: 'a b', run: 'x', age: 3, ttl: 60 },
      journal: [{ run: 'run-1', step: 'pull', what: 'done' }],
      containers: [{ release: 'r1', service: 'api', image: 'i@sha256:1', state: 'running' }],
    });
    const manifest = { release: 'r1' };
    const said = releasesOf({
      log: [],
      facts: [
        fact('release', JSON.stringify({ release: 'r2', state: 'failed', manifest: 'torn' })),
        fact(
          'release',
          JSON.stringify({ release: 'r1', state: 'stopped', manifest: JSON.stringify(manifest) }),
        ),
        fact(
          'release',
          JSON.stringify({ release: 'r0', state: 'stopped', manifest: JSON.stringify(manifest) }),
        ),
      ],
    });
    expect(said.releases).toEqual([
      { state: 'stopped', manifest },
      { state: 'stopped', manifest },
    ]);
  });

  it('is compared between them', () => {
    const host = (name: string, current: string, digest: string, more: object = {}) => ({
      name,
      truth: { current, serving: current, journal: [], containers: [], ...more },
      releases: [{ state: 'serving', manifest: { release: current, digest } as never }],
    });
    expect(driftOf([host('one', 'r1', 'd1'), host('two', 'r1', 'd1')])).toEqual([]);
    expect(
      driftOf([
        host('one', 'r1', 'd1'),
        host('two', 'r2', 'd2'),
        host('three', 'r1', 'd3'),
        host('four', 'r1', 'd1', { serving: 'r0', lock: { state: 'held', run: 'x', owner: 'bo' } }),
      ]),
    ).toEqual([
      'four: r0 serves, but r1 counts as the current release',
      'four: locked by run x of bo (held)',
      'two is at r2, one at r1',
      'three has another digest of r1 than one',
    ]);
  });
});

it('packs files as a tar that is text', () => {
  const tar = Buffer.from(tarOf({ 'compose.yaml': 'größe: 1\n', routes: '' }));
  expect(tar.length % 512).toBe(0);
  expect(tar.toString('latin1', 0, 12)).toBe('compose.yaml');
  expect(parseInt(tar.toString('latin1', 124, 136), 8)).toBe(Buffer.byteLength('größe: 1\n'));
  expect(tar.toString('utf8', 512, 512 + 11)).toBe('größe: 1\n');
});
