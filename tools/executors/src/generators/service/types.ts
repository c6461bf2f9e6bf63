export interface ServiceSchema {
  name: string;
  database?: 'none' | 'mariadb' | 'mysql' | 'postgres';
  directory?: string;
  path?: string;
  port?: number;
  health?: string;
  migrate?: string;
  images?: string;
  environments?: string[];
  scope?: string;
  description?: string;
}

/** What the templates need to know of a database. */
export interface Database {
  /** Folder of templates, and `kind` in sluice.json. */
  engine: 'mysql' | 'postgres';
  image: string;
  /** Of the image's variables. */
  prefix: string;
  /** Where the image keeps its data. */
  folder: string;
  port: number;
  /** The client's library. */
  driver: Record<string, string>;
  name: string;
  user: string;
}

const ENGINES = {
  mariadb: { engine: 'mysql', image: 'mariadb:11', prefix: 'MARIADB', folder: '/var/lib/mysql', port: 3306 },
  mysql: { engine: 'mysql', image: 'mysql:8.4', prefix: 'MYSQL', folder: '/var/lib/mysql', port: 3306 },
  postgres: {
    engine: 'postgres',
    image: 'postgres:17',
    prefix: 'POSTGRES',
    folder: '/var/lib/postgresql/data',
    port: 5432,
  },
} as const;
const DRIVERS = { mysql: { mysql2: '^3.24.5' }, postgres: { postgres: '^3.4.9' } };

/** The database of a service with this name; undefined where it needs none. */
export function databaseOf(
  kind: ServiceSchema['database'] = 'none',
  projectName: string,
): Database | undefined {
  if (kind === 'none') return undefined;
  const name = projectName.replaceAll('-', '_');
  const found = ENGINES[kind];
  // MySQL takes no longer name for a user.
  return { ...found, driver: DRIVERS[found.engine], name, user: name.slice(0, 32) };
}

/** Names of the variables whose values only the deployer knows. */
export const secretsOf = (database: Database | undefined): string[] =>
  !database
    ? []
    : database.engine === 'postgres'
      ? ['DATABASE_PASSWORD']
      : ['DATABASE_PASSWORD', 'DATABASE_ROOT_PASSWORD'];
