import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SluiceError } from '../foundation/index.ts';
import { parseService, readService } from './index.ts';

const COMPOSE = `
services:
  api: { image: api, build: . }
  worker: { image: worker, build: . }
  db: { image: mariadb }
volumes:
  uploads: {}
  data:
`;
const SMOKE = 'services: { api: { image: api } }\n';
const WHOLE = {
  images: { api: {}, worker: { target: 'worker' } },
  http: { api: { port: 3000 } },
  migrations: { service: 'api', command: ['node', 'migrate.js'], files: 'migrations/*.sql' },
  databases: [{ service: 'db', kind: 'mysql', name: 'shop', user: 'shop', passwordVariable: 'DB_PASSWORD' }],
  volumes: ['uploads'],
  environment: { LOG_LEVEL: 'info' },
  secrets: ['DB_PASSWORD'],
  smoke: { compose: 'smoke.yaml', checks: [{ service: 'api', path: '/readyz' }] },
  stages: { production: { hostnames: ['www.example.com'], environment: { LOG_LEVEL: 'warn' }, replicas: 2 } },
};

const files: Record<string, string> = { 'compose.yaml': COMPOSE, 'smoke.yaml': SMOKE };
const parse = (value: unknown, stages?: string[]) =>
  parseService(typeof value === 'string' ? value : JSON.stringify(value), (path) => files[path], {
    ...(stages && { stages }),
  });
/** The lines of the error that this configuration gives; none where it is taken. */
function problems(change: object, stages?: string[]): string[] {
  try {
    parse({ ...WHOLE, ...change }, stages);
    return [];
  } catch (error) {
    const { code, details } = error as SluiceError;
    return code === 'SERVICE_CONFIG_INVALID' ? (details['problems'] as string[]) : [code];
  }
}
const matching = (lines: string[], wanted: string | RegExp): string[] =>
  lines.filter((line) => (typeof wanted === 'string' ? line === wanted : wanted.test(line)));

describe('a sluice.json', () => {
  it('gets the defaults of the schema', () => {
    expect(parse({ images: { api: {} }, http: { api: { port: 80 } } })).toEqual({
      compose: 'compose.yaml',
      images: { api: { dockerfile: 'Dockerfile', context: '.', args: {}, platforms: [] } },
      http: {
        api: {
          port: 80,
          health: { path: '/healthz', status: 200 },
          healthWithin: '60s',
          drain: '30s',
          path: '/',
        },
      },
      databases: [],
      volumes: [],
      environment: {},
      secrets: [],
      stages: {},
    });
  });

  it('is taken whole, with comments and without its $schema', () => {
    const config = parse(`// of the shop\n${JSON.stringify({ $schema: './x.json', ...WHOLE })}`);
    expect(config).toMatchObject({ ...WHOLE, images: { worker: { target: 'worker', context: '.' } } });
    expect(config).not.toHaveProperty('$schema');
    expect(config.smoke?.checks[0]).toEqual({ service: 'api', path: '/readyz', status: 200 });
  });

  it('may hold any text as a value of a variable', () => {
    const environment = { EVIL: `'"; $(touch x) \`y\`\n\\ ü` };
    expect(parse({ ...WHOLE, environment }).environment).toEqual(environment);
  });
});

describe('what is wrong is named by its path', () => {
  const api = (image: object) => ({ images: { ...WHOLE.images, api: image } });
  const database = (change: object) => ({ databases: [{ ...WHOLE.databases[0], ...change }] });
  it.each<[string, object, string | RegExp]>([
    ['no images', { images: {} }, /^images: must/],
    ['an option that is none', { image: {} }, /^image: is not an option; did you mean "images"\?$/],
    [
      'an image that compose lacks',
      { images: { ...WHOLE.images, apy: {} } },
      'images.apy: there is no service in compose.yaml named "apy"; did you mean "api"?',
    ],
    [
      'an http service that compose lacks',
      { http: { ...WHOLE.http, front: { port: 80 } } },
      'http.front: there is no service in compose.yaml named "front"; there are: api, worker, db',
    ],
    [
      'an http service that is not built here',
      { http: { ...WHOLE.http, db: { port: 80 } } },
      /^http\.db: "db" is not in images/,
    ],
    ['a port that is none', { http: { api: { port: 0 } } }, /^http\.api\.port: must/],
    [
      'a health path without its slash',
      { http: { api: { port: 80, health: { path: 'healthz' } } } },
      /^http\.api\.health\.path: must be a path/,
    ],
    [
      'a duration that is none',
      { http: { api: { port: 80, drain: '30' } } },
      'http.api.drain: must be a duration such as "30s" or "2m"',
    ],
    [
      'migrations by a service that compose lacks',
      { migrations: { service: 'x', command: ['y'] } },
      /^migrations\.service: there is no service/,
    ],
    [
      'migrations by an image that is not built here',
      { migrations: { service: 'db', command: ['y'] } },
      /^migrations\.service: "db" is not in images/,
    ],
    [
      'a command of two lines',
      { migrations: { service: 'api', command: ['a\nb'] } },
      'migrations.command[0]: must be one line',
    ],
    [
      'a glob that leaves the project',
      { migrations: { ...WHOLE.migrations, files: 'x/../../*.sql' } },
      /^migrations\.files: must be a path below/,
    ],
    [
      'an absolute glob',
      { migrations: { ...WHOLE.migrations, files: '/etc/*' } },
      /^migrations\.files: must be a path below/,
    ],
    [
      'a database that compose lacks',
      database({ service: 'database' }),
      /^databases\[0\]\.service: there is no service/,
    ],
    [
      'a database that is built here',
      database({ service: 'worker' }),
      /^databases\[0\]\.service: "worker" is built by this project/,
    ],
    [
      'a database name for a shell',
      database({ name: 'shop; rm' }),
      /^databases\[0\]\.name: must be a database's name/,
    ],
    [
      'an unknown kind',
      database({ kind: 'oracle' }),
      'databases[0].kind: must be one of "mysql", "postgres"',
    ],
    [
      'a variable of the password that is unknown',
      database({ passwordVariable: 'PASSWORD' }),
      'databases[0].passwordVariable: "PASSWORD" is not in secrets; there are: DB_PASSWORD, LOG_LEVEL',
    ],
    [
      'a database twice',
      { databases: [WHOLE.databases[0], WHOLE.databases[0]] },
      'databases[1]: names the same database as an entry before it',
    ],
    [
      'a volume that compose lacks',
      { volumes: ['uploads', 'logs'] },
      /^volumes\[1\]: there is no named volume in compose\.yaml named "logs"/,
    ],
    [
      'a secret with a value',
      { environment: { DB_PASSWORD: 'x' } },
      'environment.DB_PASSWORD: is one of secrets too; its value would be recorded',
    ],
    [
      'a secret with a value in a stage',
      { stages: { production: { environment: { DB_PASSWORD: 'x' } } } },
      /^stages\.production\.environment\.DB_PASSWORD: is one of secrets/,
    ],
    [
      'a variable that has no name',
      { environment: { 'A-B': 'x' } },
      'environment.A-B: is no name that can stand here',
    ],
    [
      'a secret that is a value',
      { secrets: ['DB_PASSWORD', 'hunter 2'] },
      'secrets[1]: must be the name of a variable (letters, digits, _), never its value',
    ],
    ['a compose file that is absent', { compose: 'other.yaml' }, 'compose: other.yaml: does not exist'],
    ['a compose file elsewhere', { compose: '../compose.yaml' }, /^compose: must be a path below/],
    [
      'a smoke test of an unknown service',
      { smoke: { checks: [{ service: 'x', path: '/' }] } },
      /^smoke\.checks\[0\]\.service: there is no service/,
    ],
    [
      'a smoke test of what has no port',
      { smoke: { checks: [{ service: 'worker', path: '/' }] } },
      /^smoke\.checks\[0\]\.service: "worker" is not in http/,
    ],
    [
      'a load test of an unknown service',
      { smoke: { ...WHOLE.smoke, load: { service: 'x', path: '/', rate: 1, seconds: 1 } } },
      /^smoke\.load\.service: there is no service in smoke\.yaml/,
    ],
    [
      'a Dockerfile elsewhere',
      api({ dockerfile: '../Dockerfile' }),
      /^images\.api\.dockerfile: must be a path below/,
    ],
    ['an absolute context', api({ context: '/' }), /^images\.api\.context: must be a relative path/],
    [
      'a platform that is none',
      api({ platforms: ['amd64'] }),
      'images.api.platforms[0]: must be a platform such as "linux/amd64"',
    ],
    ['a target that is an option', api({ target: '--push' }), /^images\.api\.target: must be/],
    [
      'a host name that is an address',
      { stages: { production: { hostnames: ['https://x'] } } },
      /^stages\.production\.hostnames\[0\]: must be a host name/,
    ],
  ])('%s', (_, change, line) => {
    expect(matching(problems(change), line)).toHaveLength(1);
  });

  it('a stage that nx.json does not have', () => {
    expect(problems({}, ['staging', 'prod'])).toEqual([
      'stages.production: nx.json has no service stage of this name; there are: staging, prod',
    ]);
    expect(parse(WHOLE, ['production']).stages).toHaveProperty('production');
  });

  it.each([
    ['services: [', /^compose: bad\.yaml: line 1: .*\(BAD_/],
    ['services: []', 'compose: bad.yaml: services: is missing, or no mapping'],
    ['services: { api: }', 'compose: bad.yaml: services.api: is no mapping'],
    ['just text', 'compose: bad.yaml: services: is missing, or no mapping'],
    [
      'a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]',
      /repeats itself/,
    ],
  ])('a compose file that is none: %s', (text, line) => {
    files['bad.yaml'] = text;
    expect(matching(problems({ compose: 'bad.yaml' }), line)).toHaveLength(1);
  });

  it('text that is not JSON, and JSON that is no object', () => {
    expect(() => parse('{\n"images": nope}')).toThrow('line 2: is not JSON');
    expect(() => parse('[]')).toThrow('sluice.json: must be an object');
    expect(() => parse('')).toThrow('is not JSON');
  });
});

describe('readService', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-service-test-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('reads a project, and says which file is missing', async () => {
    expect(() => readService(folder)).toThrow(expect.objectContaining({ code: 'SERVICE_CONFIG_MISSING' }));
    await writeFile(join(folder, 'sluice.json'), '{"images":{"api":{}}}');
    expect(() => readService(folder)).toThrow('compose: compose.yaml: does not exist');
    await writeFile(join(folder, 'compose.yaml'), COMPOSE);
    expect(Object.keys(readService(folder).images)).toEqual(['api']);
  });
});
