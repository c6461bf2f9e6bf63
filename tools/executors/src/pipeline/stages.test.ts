import { describe, expect, test } from 'vitest';
import { Secret } from '../foundation/index.ts';
import {
  localStages,
  parseOptions,
  pipelineOf,
  profileOf,
  registryKind,
  resolveStages,
  stageNamed,
  targetConfigurations,
} from './index.ts';
import type { Profile, Stage } from './index.ts';

const options = parseOptions({
  packages: {
    stages: [
      { name: 'github', registry: 'https://npm.pkg.github.com/', tokenEnv: 'GITHUB_TOKEN' },
      {
        name: 'pre-prod',
        registry: 'https://npm.test.example.com/team/',
        gate: { environment: 'TestGate' },
        verify: 'install',
        visibleWithin: '30s',
      },
      { name: 'public', gate: { approvals: 1 }, tag: 'stable', access: 'restricted' },
    ],
  },
  services: { stages: [{ name: 'staging' }] },
});
const defaultRegistry = 'http://127.0.0.1:9/';
const local = new Map(
  ['github', 'pre-prod', 'public'].map((name, i) => [
    name,
    { url: `http://127.0.0.1:487${i}`, token: new Secret(`local-token-${name}`) },
  ]),
);
const resolve = (
  profile: Profile,
  env: Record<string, string> = {},
  clientToken?: (url: string) => Secret | undefined,
): [Stage, Stage, Stage] =>
  resolveStages({ options, profile, env, defaultRegistry, local, clientToken }) as [Stage, Stage, Stage];

describe('live', () => {
  test('addresses from the options, tokens from tokenEnv, neighbours known', () => {
    const stages = resolve('live', { GITHUB_TOKEN: 'github-token', PRE_PROD_REGISTRY_TOKEN: 'test-token' });
    expect(stages.map(({ token, ...rest }) => ({ ...rest, token: token?.reveal() }))).toEqual([
      {
        pipeline: 'packages',
        name: 'github',
        index: 0,
        before: undefined,
        registry: 'https://npm.pkg.github.com',
        kind: 'github',
        identity: 'npm.pkg.github.com',
        token: 'github-token',
        tokenEnv: 'GITHUB_TOKEN',
        access: 'public',
        tag: 'latest',
        verify: 'bytes',
        gate: undefined,
        visibleWithinMs: 300_000,
      },
      {
        pipeline: 'packages',
        name: 'pre-prod',
        index: 1,
        before: 'github',
        registry: 'https://npm.test.example.com/team',
        kind: 'generic',
        identity: 'npm.test.example.com/team',
        token: 'test-token',
        tokenEnv: 'PRE_PROD_REGISTRY_TOKEN',
        access: 'public',
        tag: 'latest',
        verify: 'install',
        gate: { environment: 'TestGate' },
        visibleWithinMs: 30_000,
      },
      {
        pipeline: 'packages',
        name: 'public',
        index: 2,
        before: 'pre-prod',
        registry: 'http://127.0.0.1:9',
        kind: 'npm',
        identity: 'default',
        token: undefined,
        tokenEnv: 'NPM_TOKEN',
        trusted: true,
        access: 'restricted',
        tag: 'stable',
        verify: 'bytes',
        gate: { approvals: 1 },
        visibleWithinMs: 300_000,
      },
    ]);
  });
  test('the client’s own token counts where the variable is not set', () => {
    const stages = resolve('live', { GITHUB_TOKEN: 'github-token' }, (url) => new Secret(`npmrc ${url}`));
    expect(stages.map((s) => s.token?.reveal())).toEqual([
      'github-token',
      'npmrc https://npm.test.example.com/team',
      'npmrc http://127.0.0.1:9',
    ]);
  });
  test('jobs are trusted by the client’s own default registry alone, unless it is said', () => {
    const trusted = (stage: object, env = {}, profile: 'live' | 'local' = 'live') =>
      resolveStages({
        options: parseOptions({ packages: { stages: [{ name: 'public', ...stage }] } }),
        profile,
        env,
        defaultRegistry,
        local: new Map([['public', { url: 'http://127.0.0.1:4873', token: new Secret('local') }]]),
      })[0]?.trusted;
    const registry = 'https://npm.example.com';
    expect(trusted({})).toBe(true);
    expect(trusted({ trusted: false })).toBeUndefined();
    expect(trusted({ registry })).toBeUndefined();
    expect(trusted({ registry, kind: 'npm' })).toBeUndefined();
    expect(trusted({ registry, kind: 'npm', trusted: true })).toBe(true);
    expect(trusted({}, {}, 'local')).toBeUndefined();
    expect(() => trusted({ registry, trusted: true })).toThrow(/packages\.stages\[0\]\.trusted/);
  });
  test('a placeholder for a token is none where jobs are trusted', () => {
    const env = { NPM_TOKEN: 'XXXXX-XXXXX-XXXXX-XXXXX' };
    expect(resolve('live', env)[2].token).toBeUndefined();
    expect(resolve('live', { NPM_TOKEN: 'npm_real' })[2].token?.reveal()).toBe('npm_real');
  });
  test('SLUICE_<STAGE>_TOKEN does not count', () => {
    expect(
      resolve('live', { SLUICE_GITHUB_TOKEN: 'other-token', SLUICE_PUBLIC_TOKEN: 'other-token' }).map(
        (s) => s.token,
      ),
    ).toEqual([undefined, undefined, undefined]);
  });
  test.each(['SLUICE_PRE_PROD_REGISTRY', 'SLUICE_PUBLIC_REGISTRY'])(
    '%s would move a gated stage: refused',
    (variable) => {
      expect(() => resolve('live', { [variable]: 'http://127.0.0.1:1' })).toThrow(
        expect.objectContaining({ code: 'ADDRESS_OVERRIDE_REFUSED', exit: 2 }),
      );
    },
  );
  test('an override of a stage without a gate counts, and shows in its identity', () => {
    const [first] = resolve('live', {
      SLUICE_GITHUB_REGISTRY: 'http://127.0.0.1:1/',
      GITHUB_TOKEN: 'github-token',
    });
    expect(first).toMatchObject({
      registry: 'http://127.0.0.1:1',
      identity: '127.0.0.1:1',
      kind: 'generic',
      tokenEnv: 'GITHUB_TOKEN',
    });
  });
});

describe('local', () => {
  test('every stage is its local registry', () => {
    const stages = resolve('local', { GITHUB_TOKEN: 'github-token' });
    expect(stages.map((s) => [s.registry, s.kind, s.identity, s.token?.reveal(), s.tokenEnv])).toEqual([
      ['http://127.0.0.1:4870', 'verdaccio', 'local:github', 'local-token-github', 'SLUICE_GITHUB_TOKEN'],
      [
        'http://127.0.0.1:4871',
        'verdaccio',
        'local:pre-prod',
        'local-token-pre-prod',
        'SLUICE_PRE_PROD_TOKEN',
      ],
      ['http://127.0.0.1:4872', 'verdaccio', 'local:public', 'local-token-public', 'SLUICE_PUBLIC_TOKEN'],
    ]);
  });
  test('the environment points a stage elsewhere, gated or not; a live token never goes there', () => {
    const env = {
      SLUICE_GITHUB_REGISTRY: 'http://127.0.0.1:1',
      GITHUB_TOKEN: 'github-token',
      SLUICE_PRE_PROD_REGISTRY: 'http://127.0.0.1:2/x/',
      SLUICE_PRE_PROD_TOKEN: 'own-token',
    };
    const [github, test] = resolve('local', env);
    expect(github).toMatchObject({
      registry: 'http://127.0.0.1:1',
      kind: 'generic',
      identity: '127.0.0.1:1',
      token: undefined,
    });
    expect(test).toMatchObject({ registry: 'http://127.0.0.1:2/x', identity: '127.0.0.1:2/x' });
    expect(test.token?.reveal()).toBe('own-token');
    expect(localStages(options, env)).toEqual(['public']);
  });
  test('a kind that the options say counts for an override too', () => {
    const said = parseOptions({ packages: { stages: [{ name: 'a', kind: 'verdaccio' }] } });
    const [stage] = resolveStages({
      options: said,
      profile: 'local',
      env: { SLUICE_A_REGISTRY: 'http://127.0.0.1:1' },
      defaultRegistry,
    });
    expect(stage?.kind).toBe('verdaccio');
  });
  test.each(['127.0.0.1:4873', 'ftp://x.example.com', 'http://user:secret99@x.example.com'])(
    '%s is no address',
    (address) => {
      expect(() => resolve('local', { SLUICE_PUBLIC_REGISTRY: address })).toThrow(
        expect.objectContaining({
          code: 'ADDRESS_INVALID',
          message: expect.not.stringContaining('secret99'),
        }),
      );
    },
  );
  test('without the local registry of a stage it is a mistake of ours', () => {
    expect(() => resolveStages({ options, profile: 'local', env: {}, defaultRegistry })).toThrow(TypeError);
  });
  test('needs a local registry for each stage, in live for none', () => {
    expect(localStages(options, {})).toEqual(['github', 'pre-prod', 'public']);
    expect(localStages(options, { SLUICE_PROFILE: 'live' })).toEqual([]);
  });
});

test.each([
  [{}, 'local'],
  [{ SLUICE_PROFILE: '' }, 'local'],
  [{ SLUICE_PROFILE: 'local' }, 'local'],
  [{ CI: 'true' }, 'local'],
  [{ SLUICE_PROFILE: 'live' }, 'live'],
])('profile of %o is %s', (env, profile) => {
  expect(profileOf(env as Record<string, string>)).toBe(profile);
});
test('any other profile is refused', () => {
  expect(() => profileOf({ SLUICE_PROFILE: 'LIVE' })).toThrow(
    expect.objectContaining({ code: 'PROFILE_UNKNOWN', exit: 2 }),
  );
});
test.each([
  [undefined, undefined, 'npm'],
  ['https://npm.pkg.github.com/acme', undefined, 'github'],
  ['https://npm.example.com', undefined, 'generic'],
  ['https://pkg.github.com.example.com', undefined, 'generic'],
  ['https://npm.example.com', 'verdaccio', 'verdaccio'],
] as const)('kind of %s, said %s, is %s', (url, said, kind) => {
  expect(registryKind(url, said)).toBe(kind);
});

describe('stages by name', () => {
  const stages = resolve('local');
  test('found', () => expect(stageNamed(stages, 'public')).toBe(stages[2]));
  test('unknown', () =>
    expect(() => stageNamed(stages, 'pubic')).toThrow(
      expect.objectContaining({
        code: 'STAGE_UNKNOWN',
        exit: 2,
        message: expect.stringContaining('github, pre-prod, public'),
      }),
    ));
  test('missing', () =>
    expect(() => stageNamed(stages, undefined, 'promote')).toThrow(
      expect.objectContaining({ code: 'STAGE_MISSING', message: expect.stringContaining('promote') }),
    ));
  test('all names are configurations', () =>
    expect(targetConfigurations(options)).toEqual(['github', 'pre-prod', 'public', 'staging']));
  test('of which pipeline', () => {
    expect(pipelineOf(options, 'public', 'promote')).toBe('packages');
    expect(pipelineOf(options, 'staging', 'promote')).toBe('services');
    expect(() => pipelineOf(options, 'nowhere', 'promote')).toThrow(
      expect.objectContaining({ code: 'STAGE_UNKNOWN' }),
    );
    expect(() => pipelineOf(options, undefined, 'promote')).toThrow(
      expect.objectContaining({ code: 'STAGE_MISSING' }),
    );
  });
});
