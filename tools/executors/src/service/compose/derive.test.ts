import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { SluiceError } from '../../foundation/index.ts';
import { deriveRelease } from './derive.ts';
import type { DeriveInput } from './types.ts';

const RELEASE = '20260102T030405-0123456789ab';
const LOWER = RELEASE.toLowerCase();
const digest = (name: string) =>
  `127.0.0.1:5000/acme/api@sha256:${Buffer.from(name.padEnd(32, '.')).toString('hex')}`;
const http = (port = 3000) => ({
  port,
  path: '/',
  health: { path: '/readyz', status: 200 },
  healthWithin: '60s',
  drain: '30s',
});

function input(
  compose: string,
  more: Partial<DeriveInput> & { built?: string[]; http?: string[] } = {},
): DeriveInput {
  const { built = ['api'], http: served = ['api'], ...rest } = more;
  return {
    bundle: {
      project: 'api',
      compose,
      images: Object.fromEntries(built.map((name) => [name, 'sha256:x'])),
      config: {
        http: Object.fromEntries(served.map((name) => [name, http()])),
        databases: [],
        volumes: [],
      },
    },
    service: 'api',
    environment: 'staging',
    release: RELEASE,
    run: 'run-1',
    images: Object.fromEntries(built.map((name) => [name, digest(name)])),
    variables: {},
    proxy: 'caddy',
    ...rest,
  };
}

// oxlint-disable-next-line typescript/no-explicit-any
const read = (text: string | undefined): any => parse(text ?? '');
function codeOf(run: () => unknown): { code: string; message: string } {
  try {
    run();
  } catch (error) {
    if (error instanceof SluiceError) return { code: error.code, message: error.message };
    throw error;
  }
  return { code: 'none', message: '' };
}

const SAMPLE = `
services:
  api:
    build: .
    image: acme/api:dev
    environment:
      LOG_LEVEL: \${LOG_LEVEL:-info}
      PASSWORD: \${PASSWORD}
    volumes: [uploads:/data/uploads]
    ports: ['\${PORT}:3000']
    depends_on: [db]
    healthcheck:
      test: [CMD, node, -e, "fetch('x')"]
      interval: 2s
  db:
    image: mariadb:11
    environment: ['MARIADB_PASSWORD=\${PASSWORD}']
    volumes: [database:/var/lib/mysql]
  adminer:
    image: adminer
    profiles: [laptop]
    environment:
      X: \${NOT_THERE}
volumes:
  uploads:
  database:
`;

describe('deriveRelease', () => {
  it('makes a release and its accessories of the file that serves a laptop', () => {
    const made = deriveRelease(input(SAMPLE, { variables: { PASSWORD: 'a"b$c\\d\ne' } }));
    const key = `${LOWER}-api`;
    expect(read(made.compose)).toEqual({
      services: {
        [key]: {
          image: digest('api'),
          environment: { LOG_LEVEL: 'info', PASSWORD: 'a"b$$c\\d\ne' },
          volumes: ['uploads:/data/uploads'],
          healthcheck: { test: ['CMD', 'node', '-e', "fetch('x')"], interval: '2s' },
          restart: 'unless-stopped',
          labels: {
            'com.sluice.service': 'api',
            'com.sluice.environment': 'staging',
            'com.sluice.release': RELEASE,
            'com.sluice.run': 'run-1',
            'com.sluice.part': 'api',
          },
          networks: { environment: {}, proxy: { aliases: [key] } },
        },
      },
      networks: {
        environment: { external: true, name: 'api-staging' },
        proxy: { external: true, name: 'sluice-proxy' },
      },
      volumes: { uploads: { external: true, name: 'api-staging_uploads' } },
    });
    expect(read(made.accessories)).toEqual({
      services: {
        db: {
          image: 'mariadb:11',
          environment: { MARIADB_PASSWORD: 'a"b$$c\\d\ne' },
          volumes: ['database:/var/lib/mysql'],
          restart: 'unless-stopped',
          labels: { 'com.sluice.accessory': 'db', 'com.sluice.environment': 'staging' },
          networks: { environment: {} },
        },
      },
      networks: { environment: { external: true, name: 'api-staging' } },
      volumes: { database: { external: true, name: 'api-staging_database' } },
    });
    expect(made).toMatchObject({
      keys: { api: [key] },
      addresses: { api: { shared: `${key}:3000`, each: [`${key}:3000`] } },
      network: 'api-staging',
      volumes: [
        { name: 'api-staging_uploads', driver: 'local', options: {} },
        { name: 'api-staging_database', driver: 'local', options: {} },
      ],
    });
  });

  it('makes accessories that stay the same from release to release', () => {
    const made = (release: string, run: string) =>
      deriveRelease(input(SAMPLE, { variables: { PASSWORD: 'x' }, release, run })).accessories;
    expect(made(RELEASE, 'run-1')).toBe(made('20270102T030405-0123456789ab', 'run-2'));
  });

  it('gives a stack a network of its own, where its services keep their names', () => {
    const { compose } = deriveRelease(
      input(
        `services:
  web: { build: ., depends_on: { api: { condition: service_healthy }, db: { condition: service_started } } }
  api: { build: ., links: ['db', 'worker:w'], networks: { back: { aliases: [backend] } } }
  worker: { build: ., volumes_from: [api], network_mode: 'service:api' }
  db: { image: 'postgres:17' }
networks: { back: {} }`,
        { built: ['web', 'api', 'worker'], http: ['web'] },
      ),
    );
    const { services, networks } = read(compose);
    expect(services[`${LOWER}-web`]).toMatchObject({
      depends_on: { [`${LOWER}-api`]: { condition: 'service_healthy' } },
      networks: { default: { aliases: ['web'] }, environment: {}, proxy: { aliases: [`${LOWER}-web`] } },
    });
    expect(services[`${LOWER}-api`]).toMatchObject({
      links: [`${LOWER}-worker:w`],
      networks: { default: { aliases: ['api', 'backend'] }, environment: {} },
    });
    expect(services[`${LOWER}-worker`]).toMatchObject({
      volumes_from: [`${LOWER}-api`],
      network_mode: `service:${LOWER}-api`,
    });
    expect(services[`${LOWER}-worker`]).not.toHaveProperty('networks');
    expect(Object.keys(networks).sort()).toEqual(['default', 'environment', 'proxy']);
  });

  it('runs several containers side by side, each with an address', () => {
    const { compose, keys, addresses } = deriveRelease(
      input(
        'services: { api: { build: ., deploy: { replicas: 2, resources: { limits: { memory: 64M } } } } }',
      ),
    );
    expect(keys).toEqual({ api: [`${LOWER}-api-1`, `${LOWER}-api-2`] });
    expect(addresses['api']).toEqual({
      shared: `${LOWER}-api:3000`,
      each: [`${LOWER}-api-1:3000`, `${LOWER}-api-2:3000`],
    });
    const { services } = read(compose);
    expect(services[`${LOWER}-api-2`]).toMatchObject({
      deploy: { resources: { limits: { memory: '64M' } } },
      networks: { proxy: { aliases: [`${LOWER}-api`] } },
    });
    expect(services[`${LOWER}-api-2`].deploy).not.toHaveProperty('replicas');
    expect(deriveRelease(input('services: { api: { build: . } }', { replicas: 3 })).keys['api']).toHaveLength(
      3,
    );
  });

  it('leaves the file as it is where there is no proxy, and finds the published port', () => {
    const { compose, keys, addresses } = deriveRelease(
      input("services: { api: { build: ., container_name: it, ports: ['127.0.0.1:8080:3000'] } }", {
        proxy: 'none',
      }),
    );
    expect(keys).toEqual({ api: ['api'] });
    expect(addresses['api']?.shared).toBe('127.0.0.1:8080');
    expect(read(compose).services.api).toMatchObject({
      container_name: 'it',
      ports: ['127.0.0.1:8080:3000'],
      networks: { environment: {} },
    });
    expect(
      codeOf(() => deriveRelease(input('services: { api: { build: . } }', { proxy: 'none' }))),
    ).toMatchObject({
      code: 'COMPOSE_FILE_INVALID',
      message: expect.stringContaining('has to be published'),
    });
  });

  it('keeps numbers as they were written where a number would change them', () => {
    const { compose } = deriveRelease(
      input(
        'services: { api: { build: ., environment: { A: 1.10, B: 0640, C: 12345678901234567890, D: true, E: yes, F: 7 } } }',
      ),
    );
    expect(read(compose).services[`${LOWER}-api`].environment).toEqual({
      A: '1.10',
      B: '0640',
      C: '12345678901234567890',
      D: 'true',
      E: 'yes',
      F: '7',
    });
  });

  it('keeps what evil values hold, as values', () => {
    const evil = [
      '$(touch pwned)',
      '`id`',
      "it's",
      '"q"',
      'a: b\n- c',
      '${PASSWORD}',
      '$$',
      '#x',
      '',
      ' ',
      '\u2028',
      '\t\r',
    ];
    const names = evil.map((_, i) => `V${i}`);
    const { compose } = deriveRelease(
      input(
        `services: { api: { build: ., environment: [${names.map((name) => `'${name}=\${${name}}'`).join(', ')}] } }`,
        {
          variables: Object.fromEntries(evil.map((value, i) => [`V${i}`, value])),
        },
      ),
    );
    expect(Object.values(read(compose).services[`${LOWER}-api`].environment)).toEqual(
      evil.map((value) => value.replaceAll('$', '$$$$')),
    );
  });

  it('takes variables without a value in the file from those of the release', () => {
    const { compose } = deriveRelease(
      input('services: { api: { build: ., environment: [A, B=1] } }', { variables: { A: 'x' } }),
    );
    expect(read(compose).services[`${LOWER}-api`].environment).toEqual({ A: 'x', B: '1' });
  });

  it('resolves aliases and merges, and leaves extensions out', () => {
    const { compose } = deriveRelease(
      input(`x-base: &base { init: true }
services:
  api: { <<: *base, build: ., x-mine: 1 }`),
    );
    const service = read(compose).services[`${LOWER}-api`];
    expect(service).toMatchObject({ init: true });
    expect(compose).not.toContain('x-mine');
  });

  it('knows external networks and volumes by their own names, and how a volume is made', () => {
    const made = deriveRelease(
      input(`services:
  api: { build: ., networks: [shared], volumes: ['theirs:/a', { type: volume, source: nfs, target: /b }, /anonymous, '/srv/x:/c:ro'] }
networks: { shared: { external: true, name: company } }
volumes:
  theirs: { external: { name: old-style } }
  nfs: { driver: local, driver_opts: { type: nfs, device: ':/x' } }`),
    );
    const { networks, volumes } = read(made.compose);
    expect(networks['external-shared']).toEqual({ external: true, name: 'company' });
    expect(volumes).toEqual({
      theirs: { external: true, name: 'old-style' },
      nfs: { external: true, name: 'api-staging_nfs' },
    });
    expect(made.volumes).toEqual([
      { name: 'api-staging_nfs', driver: 'local', options: { type: 'nfs', device: ':/x' } },
    ]);
  });

  it.each<[string, string, RegExp, Partial<DeriveInput> & { built?: string[]; http?: string[] }]>([
    ['a tab', 'services:\n\tapi: 1', /line 2:/, {}],
    ['no services', 'a: 1', /services: is missing/, {}],
    ['a service that is no mapping', 'services: { api: 7 }', /services\.api: is no mapping/, {}],
    ['two equal keys', 'services:\n  api: {}\n  api: {}', /line 3: .*unique/, {}],
    [
      'a relative mount',
      'services: { api: { volumes: ["./data:/d"] } }',
      /services\.api\.volumes\[0\]: \.\/data/,
      {},
    ],
    ['the home folder', 'services: { api: { volumes: ["~/data:/d"] } }', /~\/data/, {}],
    [
      'a relative bind mount',
      'services: { api: { volumes: [{ type: bind, source: data, target: /d }] } }',
      /volumes\[0\]: \.\/data/,
      {},
    ],
    ['an undeclared volume', 'services: { api: { volumes: ["data:/d"] } }', /data is not declared/, {}],
    ['an env_file', 'services: { api: { env_file: .env } }', /services\.api\.env_file/, {}],
    ['extends', 'services: { api: { extends: { service: x } } }', /services\.api\.extends/, {}],
    ['include', 'include: [a.yaml]\nservices: { api: {} }', /^.*\n\s+include:/, {}],
    [
      'a config file of the project',
      'services: { api: { configs: [c] } }\nconfigs: { c: { file: ./c } }',
      /configs\.c\.file/,
      {},
    ],
    [
      'a fixed address',
      'services: { api: { networks: { n: { ipv4_address: 10.0.0.2 } } } }\nnetworks: { n: {} }',
      /fixed ipv4_address/,
      {},
    ],
    ['no image', 'services: { api: {}, db: { build: ./db } }', /services\.db: has no image/, {}],
    [
      'a tag instead of a digest',
      'services: { api: {} }',
      /no image by digest/,
      { images: { api: 'acme/api:1' } },
    ],
    [
      "a line's end in the options of a volume",
      'services: { api: { volumes: ["d:/d"] } }\nvolumes: { d: { driver_opts: { o: "a\\nb" } } }',
      /volumes\.d: has a tab/,
      {},
    ],
    ['a lone $', 'services: { api: { command: "a $ b" } }', /services\.api\.command: "\$ b"/, {}],
    ['the name proxy', 'services: { api: {} }', /cannot be the name of a service/, { service: 'proxy' }],
    ['a name with a slash', 'services: { api: {} }', /cannot be the name/, { service: '@acme/api' }],
    [
      'too long a name',
      `services: { ${'a'.repeat(40)}: {} }`,
      /longer than 63/,
      { built: ['a'.repeat(40)], http: [] },
    ],
    [
      'equal names',
      'services: { api: {}, API: {} }',
      /the name of two containers/,
      { built: ['api', 'API'] },
    ],
    ['no container', 'services: { api: { scale: 0 } }', /would have no container/, {}],
  ])('refuses %s', (_, compose, message, more) => {
    const { code, message: said } = codeOf(() => deriveRelease(input(compose, more)));
    expect(said).toMatch(message);
    expect(code).toBe('COMPOSE_FILE_INVALID');
  });

  it('says all that is wrong at once', () => {
    const { message } = codeOf(() =>
      deriveRelease(input('services: { api: { env_file: x, volumes: ["./a:/a", "b:/b"] }, db: {} }')),
    );
    expect(message.split('\n')).toHaveLength(5);
  });

  it.each<[string, string, string[]]>([
    ['a fixed port', 'ports: ["9000:9000"]', ['services.worker.ports: 9000:9000']],
    ['a fixed port on one address', 'ports: ["[::1]:9000:9000/udp"]', ['services.worker.ports: 9000:9000']],
    ['the long form', 'ports: [{ target: 90, published: 91 }]', ['services.worker.ports: 91:90']],
    ['the network of the host', 'network_mode: host', ['services.worker.network_mode: host']],
    ['a free port', 'ports: ["9000"]', []],
    ['a free port on one address', 'ports: ["127.0.0.1::9000", { target: 90 }]', []],
  ])('two releases side by side and %s', (_, line, found) => {
    const { code, message } = codeOf(() =>
      deriveRelease(
        input(`services: { api: { ports: ['3000:3000'] }, worker: { ${line} } }`, {
          built: ['api', 'worker'],
        }),
      ),
    );
    expect(code).toBe(found.length > 0 ? 'COMPOSE_FIXED_PORT' : 'none');
    for (const one of found) expect(message).toContain(one);
  });

  it('refuses names of containers, and services that are not there', () => {
    expect(codeOf(() => deriveRelease(input('services: { api: { container_name: x } }')))).toMatchObject({
      code: 'COMPOSE_CONTAINER_NAME',
      message: expect.stringContaining('api'),
    });
    const given = input('services: { web: {} }');
    given.bundle.config.databases = [
      { service: 'db', kind: 'mysql', name: 'x', user: 'x', passwordVariable: 'X' },
    ];
    expect(codeOf(() => deriveRelease(given))).toMatchObject({
      code: 'COMPOSE_SERVICE_MISSING',
      message: expect.stringMatching(/api, db.*There are: web/),
    });
  });

  it('names all variables that have no value', () => {
    const { code, message } = codeOf(() =>
      deriveRelease(
        input(
          'services: { api: { environment: [A, "B=${C:?must be set}"], command: "${D}" }, db: { image: "x:${E:-1}" } }',
        ),
      ),
    );
    expect(code).toBe('VARIABLE_MISSING');
    expect(message).toMatch(/C, D, A/);
  });
});
