import { describe, expect, it } from 'vitest';
import { readCompose } from './adopt-compose.ts';

const read = (text: string, more: Partial<Parameters<typeof readCompose>[0]> = {}) =>
  readCompose({ file: 'compose.yaml', text, read: () => undefined, path: '/', migrations: false, ...more });

const SHOP = `
x-common: &common
  restart: always
services:
  web:
    <<: *common
    build: { context: ./web, dockerfile: Dockerfile.prod, target: run, args: [VERSION=1, FROM_OUTSIDE] }
    ports: ['\${PORT:-8080}:3000']
    environment:
      SESSION_SECRET: \${SESSION_SECRET}
      MAIL_FROM: $MAIL_FROM
      PRICE: $$5
    volumes: [uploads:/uploads, ./src:/src]
    container_name: shop
    healthcheck: { test: [CMD, curl, -f, 'http://localhost:3000/health'] }
  worker: { build: ., command: [work], volumes: [uploads:/uploads] }
  admin: { build: ./admin, ports: [9000] }
  db:
    image: mysql:8.4
    environment: ['MYSQL_DATABASE=shop', 'MYSQL_ROOT_PASSWORD=\${ROOT_PASSWORD:-x}']
    volumes: [data:/var/lib/mysql]
  warehouse:
    image: registry.example.com/library/postgres:17
    environment: { POSTGRES_USER: keeper, POSTGRES_PASSWORD: '\${WAREHOUSE_PASSWORD:?}' }
  cache: { image: 'redis:7' }
volumes: { uploads: {}, data: {} }
`;

describe('readCompose', () => {
  it('finds what is built, reached, kept and secret', () => {
    expect(read(SHOP, { path: '/shop' }).config).toEqual({
      images: {
        web: { context: 'web', dockerfile: 'Dockerfile.prod', target: 'run', args: { VERSION: '1' } },
        worker: {},
        admin: { context: 'admin' },
      },
      http: {
        web: { port: 3000, path: '/shop', health: { path: '/health', status: 200 } },
        admin: { port: 9000, path: '/shop/admin', health: { path: '/', status: 200 } },
      },
      databases: [
        { service: 'db', kind: 'mysql', name: 'shop', user: 'root', passwordVariable: 'ROOT_PASSWORD' },
        {
          service: 'warehouse',
          kind: 'postgres',
          name: 'keeper',
          user: 'keeper',
          passwordVariable: 'WAREHOUSE_PASSWORD',
        },
      ],
      volumes: ['uploads'],
      secrets: ['SESSION_SECRET', 'ROOT_PASSWORD', 'WAREHOUSE_PASSWORD'],
      smoke: {
        checks: [
          { service: 'web', path: '/health', status: 200 },
          { service: 'admin', path: '/', status: 200 },
        ],
      },
    });
  });

  it('says what a person still has to look at', () => {
    const { notes } = read(SHOP, { migrations: true });
    expect(notes).toEqual([
      expect.stringContaining('does not say what applies it'),
      expect.stringContaining('${MAIL_FROM} has no default'),
      expect.stringContaining('services.web.volumes[1]: ./src is a folder of the project'),
      expect.stringContaining('services.web.container_name'),
    ]);
  });

  it('says why a database has no backup, instead of guessing', () => {
    const db = (environment: string) =>
      read(`services: { web: { build: . }, db: { image: mariadb, environment: { ${environment} } } }`);
    expect(db('MARIADB_DATABASE: a, MARIADB_ROOT_PASSWORD: hunter2')).toMatchObject({
      notes: [
        'services.db is a database that no backup holds: its environment lacks a variable for its password',
      ],
    });
    const user = db("MYSQL_DATABASE: a, MYSQL_USER: u, MYSQL_PASSWORD: '${DB_PASSWORD}'");
    expect(user.config['databases']).toMatchObject([{ user: 'u', passwordVariable: 'DB_PASSWORD' }]);
  });

  it('takes the port from the Dockerfile where compose publishes none', () => {
    const files: Record<string, string> = { 'web/Dockerfile': 'FROM x\nEXPOSE 5000\n' };
    const { config } = read('services: { web: { build: web } }', { read: (file) => files[file] });
    expect(config['http']).toMatchObject({ web: { port: 5000 } });
    expect(read('services: { job: { build: . } }').config).toEqual({ images: { job: {} } });
  });

  it.each([
    ['services: { web: { image: nginx } }', 'SERVICE_NOTHING_BUILT'],
    ['services: [', 'ADOPTED_FILE_UNREADABLE'],
    ['version: 3', 'ADOPTED_FILE_UNREADABLE'],
    ['services: { web: { build: ., command: "echo $ 5" } }', 'ADOPTED_FILE_UNREADABLE'],
  ])('refuses %j', (text, code) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ code }));
  });
});
