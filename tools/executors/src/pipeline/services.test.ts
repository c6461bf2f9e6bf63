import { describe, expect, test } from 'vitest';
import { Secret, SluiceError } from '../foundation/index.ts';
import {
  needsLocalImages,
  parseOptions,
  resolveServiceStages,
  tagsFor,
  type Profile,
  type ServicePipeline,
} from './index.ts';

const packages = { stages: [{ name: 'test' }] };
const options = (services: object) => parseOptions({ packages, services });
const design = {
  images: 'registry.example.com/acme',
  tokenEnv: 'IMAGES_TOKEN',
  usernameEnv: 'IMAGES_USER',
  stages: [
    { name: 'staging', hosts: ['deploy@staging.example.com'] },
    {
      name: 'production',
      hosts: ['deploy@www1.example.com', 'deploy@www2.example.com'],
      gate: { approvals: 1 },
      images: 'ghcr.io/acme',
      tags: ['{stage}', 'v{label}'],
      proxy: 'none',
      ports: { http: 8080 },
      folder: '/srv/sluice',
      parallel: 2,
      bake: '2m',
      backups: 7,
      releases: 3,
      lease: '5m',
      sshConfig: '.sluice/ssh_config',
    },
  ],
};
const local = { host: '127.0.0.1:5000', username: 'sluice', password: new Secret('local-password') };
const resolve = (profile: Profile, env: Record<string, string> = {}, services: object = design) =>
  resolveServiceStages({ options: options(services), profile, env, local }) as ServicePipeline;
const placesOf = ({ places }: ServicePipeline) =>
  [...places.values()].map(({ stage, images, identity, insecure, credentials, tokenEnv }) =>
    [
      stage,
      images,
      identity,
      insecure ? 'http' : 'https',
      credentials ? `${credentials.username}:${credentials.password.reveal()}` : '-',
      tokenEnv,
    ].join(' '),
  );
const codeOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof SluiceError) return error.code;
    throw error;
  }
  return 'nothing was thrown';
};

describe('live', () => {
  test('stages as the options say, with the defaults that the type names', () => {
    expect(resolve('live').stages).toEqual([
      {
        pipeline: 'services',
        name: 'staging',
        index: 0,
        before: 'images',
        images: 'registry.example.com/acme',
        identity: 'registry.example.com/acme',
        insecure: false,
        hosts: ['deploy@staging.example.com'],
        tags: [
          { pattern: '{stage}', moves: true },
          { pattern: '{stage}-{commit}', moves: false },
        ],
        proxy: 'caddy',
        ports: { http: 80, https: 443 },
        folder: '.sluice',
        parallel: 1,
        bakeMs: 30_000,
        backups: 5,
        releases: 5,
        leaseSeconds: 60,
      },
      {
        pipeline: 'services',
        name: 'production',
        index: 1,
        before: 'staging',
        images: 'ghcr.io/acme',
        identity: 'ghcr.io/acme',
        insecure: false,
        hosts: ['deploy@www1.example.com', 'deploy@www2.example.com'],
        gate: { approvals: 1 },
        tags: [
          { pattern: '{stage}', moves: true },
          { pattern: 'v{label}', moves: false },
        ],
        proxy: 'none',
        ports: { http: 8080, https: 443 },
        folder: '/srv/sluice',
        parallel: 2,
        bakeMs: 120_000,
        backups: 7,
        releases: 3,
        leaseSeconds: 300,
        sshConfig: '.sluice/ssh_config',
      },
    ]);
  });
  test('each registry gets its own token, and no other', () => {
    const env = { IMAGES_USER: 'bot', IMAGES_TOKEN: 'secret-1', SLUICE_IMAGES_TOKEN: 'secret-2' };
    expect(placesOf(resolve('live', env))).toEqual([
      'images registry.example.com/acme registry.example.com/acme https bot:secret-1 IMAGES_TOKEN',
      'staging registry.example.com/acme registry.example.com/acme https bot:secret-1 IMAGES_TOKEN',
      'production ghcr.io/acme ghcr.io/acme https - GITHUB_TOKEN',
    ]);
  });
  test.each([
    ['SLUICE_PRODUCTION_REGISTRY', 'registry.example.com/other'],
    ['SLUICE_PRODUCTION_HOSTS', 'deploy@other.example.com'],
  ])('%s would move a gated stage', (variable, value) => {
    expect(codeOf(() => resolve('live', { [variable]: value }))).toBe('ADDRESS_OVERRIDE_REFUSED');
  });
  test('the address of `images` moves no gated stage that shares it', () => {
    const shared = { ...design, stages: [{ name: 'staging', gate: { approvals: 1 } }] };
    const env = { SLUICE_IMAGES_REGISTRY: 'registry.example.com/other' };
    expect(codeOf(() => resolve('live', env, shared))).toBe('ADDRESS_OVERRIDE_REFUSED');
  });
  test('without an address there is no registry', () => {
    expect(codeOf(() => resolve('live', {}, { stages: [{ name: 'staging' }] }))).toBe('IMAGES_MISSING');
  });
});

describe('local', () => {
  test('the registry of this machine, one folder for each of the pipeline’s registries', () => {
    expect(placesOf(resolve('local', { IMAGES_TOKEN: 'live-secret' }))).toEqual([
      'images 127.0.0.1:5000/images local:images http sluice:local-password SLUICE_IMAGES_TOKEN',
      'staging 127.0.0.1:5000/images local:images http sluice:local-password SLUICE_IMAGES_TOKEN',
      'production 127.0.0.1:5000/production local:production http sluice:local-password SLUICE_PRODUCTION_TOKEN',
    ]);
  });
  test('overrides, with their own tokens, and hosts', () => {
    const env = {
      SLUICE_IMAGES_REGISTRY: '127.0.0.1:5001/acme',
      SLUICE_PRODUCTION_REGISTRY: 'localhost:5002/acme/prod',
      SLUICE_PRODUCTION_TOKEN: 'prod-secret',
      SLUICE_PRODUCTION_USERNAME: 'prod',
      SLUICE_STAGING_HOSTS: 'root@127.0.0.1, lab1',
    };
    const pipeline = resolve('local', env);
    expect(placesOf(pipeline)).toEqual([
      'images 127.0.0.1:5001/acme 127.0.0.1:5001/acme http - SLUICE_IMAGES_TOKEN',
      'staging 127.0.0.1:5001/acme 127.0.0.1:5001/acme http - SLUICE_IMAGES_TOKEN',
      'production localhost:5002/acme/prod localhost:5002/acme/prod http prod:prod-secret SLUICE_PRODUCTION_TOKEN',
    ]);
    expect(pipeline.stages.map(({ hosts }) => hosts)).toEqual([
      ['root@127.0.0.1', 'lab1'],
      ['deploy@www1.example.com', 'deploy@www2.example.com'],
    ]);
  });
  test.each([
    ['SLUICE_IMAGES_REGISTRY', 'http://127.0.0.1:5000/acme', 'IMAGES_ADDRESS_INVALID'],
    ['SLUICE_IMAGES_REGISTRY', '127.0.0.1:5000', 'IMAGES_ADDRESS_INVALID'],
    ['SLUICE_IMAGES_REGISTRY', 'acme/api', 'IMAGES_ADDRESS_INVALID'],
    ['SLUICE_STAGING_REGISTRY', 'registry.example.com/Acme', 'IMAGES_ADDRESS_INVALID'],
    ['SLUICE_STAGING_HOSTS', 'a,-oProxyCommand=x', 'HOSTS_INVALID'],
    ['SLUICE_STAGING_HOSTS', 'a,a', 'HOSTS_INVALID'],
    ['SLUICE_STAGING_HOSTS', 'a,', 'HOSTS_INVALID'],
  ])('%s=%s: %s', (variable, value, code) => {
    expect(codeOf(() => resolve('local', { [variable]: value }))).toBe(code);
  });
  test.each<[string, Record<string, string>, boolean]>([
    ['nothing is said', {}, true],
    ['a stage has a registry of its own', { SLUICE_IMAGES_REGISTRY: '127.0.0.1:1/a' }, true],
    [
      'all are elsewhere',
      { SLUICE_IMAGES_REGISTRY: '127.0.0.1:1/a', SLUICE_PRODUCTION_REGISTRY: '127.0.0.1:1/b' },
      false,
    ],
  ])('whether the local registry is needed: %s', (_, env, needed) => {
    expect(needsLocalImages(options(design), env, 'local')).toBe(needed);
  });
  test('never in the live profile, nor without services', () => {
    expect(needsLocalImages(options(design), {}, 'live')).toBe(false);
    const none = parseOptions({ packages });
    expect(needsLocalImages(none, {}, 'local')).toBe(false);
    expect(resolveServiceStages({ options: none, profile: 'local', env: {} })).toBeUndefined();
  });
});

describe('what a schema cannot say', () => {
  const stage = (more: object) => ({
    images: 'registry.example.com/acme',
    stages: [{ name: 'staging', ...more }],
  });
  test.each<[string, object, string]>([
    [
      'a stage with the name of the registry',
      { stages: [{ name: 'images' }] },
      'services.stages[0].name: "images" is already the name of the registry that images are published to',
    ],
    ['a host twice', stage({ hosts: ['a', 'a'] }), 'services.stages[0].hosts: names the same entry twice'],
    [
      'a host with two proxies',
      {
        stages: [
          { name: 'a', hosts: ['h'] },
          { name: 'b', hosts: ['g', 'h'], ports: { http: 81 } },
        ],
      },
      'services.stages[1].hosts[1]: is a host of the stage a too, which has another folder or other ports',
    ],
    [
      'a tag that every build has and that stays',
      stage({ tags: [{ pattern: '{stage}', moves: false }] }),
      'services.stages[0].tags[0]: without {commit}, {version} or {label} every build has this tag, so it must move',
    ],
    [
      'a version tag that moves',
      stage({ tags: ['{stage}', { pattern: '{label}', moves: true }] }),
      'services.stages[0].tags[1]: a tag with {commit}, {version} or {label} names one build and never moves',
    ],
    [
      'one moving tag for two stages',
      {
        stages: [
          { name: 'a', tags: ['now'] },
          { name: 'b', tags: ['{stage}', 'now'] },
        ],
      },
      'services.stages[1].tags[1]: is a moving tag of the stage a already; {stage} sets them apart',
    ],
    [
      'a field that is none',
      stage({ tags: ['{branch}'] }),
      'services.stages[0].tags[0]: must look like "{stage}-{commit}"',
    ],
    [
      'a registry without a host',
      { images: 'acme/images', stages: [{ name: 'staging' }] },
      'services.images: must begin with the registry\'s host, such as "registry.example.com/acme"',
    ],
    [
      'a registry with a scheme',
      { images: 'https://registry.example.com/acme', stages: [{ name: 'staging' }] },
      'services.images: must look like "registry.example.com/acme"',
    ],
    [
      'an install',
      { stages: [{ name: 'a' }, { name: 'b', gate: { verified: 'install' } }] },
      'services.stages[1].gate.verified: a service is not installed; "bytes" asks for a verified deployment',
    ],
    [
      'a folder upwards',
      stage({ folder: '../x' }),
      'services.stages[0].folder: must look like "/srv/sluice"',
    ],
  ])('%s', (_, services, line) => {
    let problems: unknown;
    try {
      options(services);
    } catch (error) {
      problems = (error as SluiceError).details['problems'];
    }
    expect(problems).toContain(line);
  });
  test('stages may share a host, and a fixed tag', () => {
    const tags = ['{stage}', '{label}'];
    const both = ['a', 'b'].map((name) => ({ name, tags, hosts: ['h'] }));
    expect(options({ stages: both }).services?.stages).toHaveLength(2);
  });
});

describe('tags', () => {
  const rules = ['{stage}', '{stage}-{commit}', '{version}', 'v{label}'].map((pattern) => ({
    pattern,
    moves: pattern === '{stage}',
  }));
  test('are filled with what the build is', () => {
    expect(tagsFor(rules, { stage: 'prod', version: 'sha-0123456789ab', label: '1.2.0+b7' })).toEqual([
      { tag: 'prod', moves: true },
      { tag: 'prod-0123456789ab', moves: false },
      { tag: 'sha-0123456789ab', moves: false },
      { tag: 'v1.2.0_b7', moves: false },
    ]);
  });
  test('with a label are left out where there is none; a dirty build has tags of its own', () => {
    expect(
      tagsFor(rules, { stage: 'prod', version: 'sha-0123456789ab-fedcba98' }).map(({ tag }) => tag),
    ).toEqual(['prod', 'prod-0123456789ab-fedcba98', 'sha-0123456789ab-fedcba98']);
  });
});
