import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Secret } from '../../foundation/index.ts';
import { IMAGES, type LabHost } from '../../testing/lab/index.ts';
import type { DatabaseAccess } from '../backups.ts';

/** What the contract of databases needs to know of a kind, beside its scripts. */
export interface DatabaseKind {
  kind: DatabaseAccess['kind'];
  service: string;
  user: string;
  run(password: string): string[];
  client: string;
  dumper: string;
  /** All names that the container has for it. */
  dumpers: string;
  /** What the last line of a dump begins with, as sed reads it. */
  trailer: string;
  /** Loses one of its tables. */
  dropOne: string;
  /** An evil name for a database, as far as the dump tool itself can take one. */
  evil: string;
  /** The client with its options, reading SQL. */
  sql(database: string): string;
  /** Everything the database holds, in the same words each time. */
  content(database: string): string;
  list: string;
  create(database: string): string;
  fixture: string;
  /** What a failed migration leaves, with a view that lost its table. */
  damage: string;
  /** The statement at which the databases change places. */
  swap: string;
}

const sql = (name: string) => readFileSync(join(import.meta.dirname, 'databases', `${name}.sql`), 'utf8');

export const KINDS: DatabaseKind[] = [
  {
    kind: 'mysql',
    service: 'db',
    user: 'root',
    run: (password) => [
      '-e',
      `MARIADB_ROOT_PASSWORD=${password}`,
      IMAGES.mariadb,
      'mariadbd',
      '--innodb-flush-method=nosync',
      '--innodb-flush-log-at-trx-commit=2',
    ],
    client: '/usr/bin/mariadb',
    dumper: '/usr/bin/mariadb-dump',
    dumpers: '/usr/bin/mariadb-dump /usr/bin/mysqldump',
    trailer: '^-- Dump completed',
    dropOne: 'DROP TABLE empty_one;',
    evil: 'a-b $(touch x) `c` %s ü',
    sql: (database) =>
      `MYSQL_PWD="$MARIADB_ROOT_PASSWORD" mariadb -uroot -N --comments --default-character-set=utf8mb4 -D '${database}'`,
    content: (database) =>
      `MYSQL_PWD="$MARIADB_ROOT_PASSWORD" mariadb-dump -uroot --routines --triggers --events --hex-blob --skip-comments --single-transaction --force -- '${database}' 2>&1`,
    list: 'SHOW DATABASES',
    create: (database) => `CREATE DATABASE \`${database.replaceAll('`', '``')}\` CHARACTER SET latin1`,
    fixture: sql('mysql'),
    damage: `SET foreign_key_checks = 0; DROP TABLE egg, chicken; DROP EVENT nightly; DROP PROCEDURE count_all; UPDATE audit SET said = 'x';
      CREATE TABLE later (id INT); CREATE TRIGGER second BEFORE INSERT ON later FOR EACH ROW SET NEW.id = 3;
      CREATE VIEW egg AS SELECT 1 AS one; INSERT INTO later VALUES (1);`,
    swap: 'RENAME TABLE',
  },
  {
    kind: 'postgres',
    service: 'pg',
    user: 'postgres',
    run: (password) => [
      '-e',
      `POSTGRES_PASSWORD=${password}`,
      IMAGES.postgres,
      'postgres',
      '-c',
      'fsync=off',
    ],
    client: '/usr/lib/postgresql/current/bin/psql',
    dumper: '/usr/lib/postgresql/current/bin/pg_dump',
    dumpers: '/usr/lib/postgresql/current/bin/pg_dump /usr/bin/pg_dump',
    trailer: '^-- PostgreSQL database dump complete',
    dropOne: 'DROP TABLE public.empty_one;',
    evil: `it's "a" $(touch x) \`b\` = %s ü`,
    sql: (database) => `PGDATABASE='${database}' psql -XqAt -v ON_ERROR_STOP=1 -U postgres -f -`,
    content: (database) =>
      `PGDATABASE='${database}' pg_dump --create -U postgres | grep -v -e '^.restrict' -e '^.unrestrict'`,
    list: 'SELECT datname FROM pg_database',
    create: (database) => `CREATE DATABASE "${database.replaceAll('"', '""')}"`,
    fixture: sql('postgres'),
    damage: `DROP MATERIALIZED VIEW counted; DROP TABLE "a schema".egg CASCADE; CREATE TABLE later (id int); INSERT INTO later VALUES (3);`,
    swap: 'RENAME TO',
  },
];

/** A database in a container of a host, as a compose project's accessory. */
export class DatabaseOnHost {
  readonly password = new Secret(`it's "a\\n" $(secret) %s ${Math.random().toString(36).slice(2)}`);
  readonly container: string;
  readonly host: LabHost;
  readonly kind: DatabaseKind;

  constructor(host: LabHost, kind: DatabaseKind) {
    this.host = host;
    this.kind = kind;
    this.container = `accessory-${kind.service}`;
  }

  async start(): Promise<void> {
    const { service, run } = this.kind;
    const labels = ['project=shop-staging', `service=${service}`].flatMap((label) => [
      '--label',
      `com.docker.compose.${label}`,
    ]);
    await this.host.engine('run', '-d', '--name', this.container, ...labels, ...run(this.password.reveal()));
    await this.answers();
  }
  /** Waits for the server that stays: the one that makes the first data listens on no network. */
  async answers(): Promise<void> {
    for (let turn = 0; ; turn += 1) {
      const port = this.kind.kind === 'mysql' ? '0CEA' : '1538';
      const ran = await this.inside(
        `grep -qi ':${port} ' /proc/1/net/tcp && ${this.kind.sql('')}`,
        'SELECT 1;',
      );
      if (ran.code === 0) return;
      if (turn > 150) throw new Error(`${this.container} does not answer: ${ran.stderr}`);
      await sleep(200);
    }
  }
  /** A shell script in the container. */
  inside(script: string, input = '') {
    return this.host.try(`docker exec -i ${this.container} sh -c '${script.replaceAll("'", `'\\''`)}'`, {
      input,
    });
  }
  async sql(database: string, statements: string): Promise<string> {
    const ran = await this.inside(this.kind.sql(quoted(database)), statements);
    if (ran.code !== 0) throw new Error(`${statements.slice(0, 200)}: ${ran.stderr}`);
    return ran.stdout.trim();
  }
  async create(database: string, statements = ''): Promise<void> {
    const server = this.kind.kind === 'mysql' ? 'mysql' : 'postgres';
    await this.sql(server, `${this.kind.create(database)};`);
    const name = `"${database.replaceAll('"', '""')}"`;
    if (statements) await this.sql(database, statements.replaceAll('CURRENT_DATABASE_NAME', name));
  }
  async content(database: string): Promise<string> {
    return (await this.inside(this.kind.content(quoted(database)))).stdout;
  }
  async names(): Promise<string[]> {
    const all = await this.sql(this.kind.kind === 'mysql' ? 'mysql' : 'postgres', `${this.kind.list};`);
    const own = [
      'information_schema',
      'mysql',
      'performance_schema',
      'sys',
      'postgres',
      'template0',
      'template1',
    ];
    return all
      .split('\n')
      .filter((name) => !own.includes(name))
      .sort();
  }
  access(name: string): DatabaseAccess {
    const { kind, service, user } = this.kind;
    return { kind, service, user, name, password: this.password };
  }
  /** Puts a script in the place of a tool; in it `$0.real "$@"` is the tool. */
  async replace(tool: string, script: string): Promise<void> {
    const put = `[ -e ${tool}.real ] || mv ${tool} ${tool}.real; cat >${tool}; chmod 755 ${tool}`;
    const ran = await this.inside(put, `#!/bin/sh\n${script}\n`);
    if (ran.code !== 0) throw new Error(ran.stderr);
  }
  async mend(tool: string): Promise<void> {
    await this.inside(`mv -f ${tool}.real ${tool}`);
  }
}

const quoted = (name: string) => name.replaceAll("'", `'\\''`);
