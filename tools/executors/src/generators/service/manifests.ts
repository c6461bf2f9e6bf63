import { secretsOf, type Database } from './types.ts';

export interface Wanted {
  packageName: string;
  projectName: string;
  directory: string;
  description: string;
  license: string;
  port: number;
  /** Path prefix at the proxy. */
  path: string;
  database: Database | undefined;
  /** Names of the service stages, in their order. */
  stages: string[];
  /** Path of the schema, from the project's folder. */
  schema: string;
  /** The named input for what a build reads; a workspace need not have `production`. */
  input: string;
}

/** package.json of a new service. */
export function packageJson({ packageName, projectName, description, license, database, input }: Wanted) {
  const libraries = { '@hono/node-server': '^2.1.8', hono: '^4.13.19', ...database?.driver };
  return {
    name: packageName,
    version: '0.0.0',
    private: true,
    description,
    license,
    type: 'module',
    dependencies: libraries,
    devDependencies: { rolldown: '1.2.19' },
    nx: {
      name: projectName,
      targets: {
        compile: {
          command: 'rolldown -c rolldown.config.ts',
          options: { cwd: '{projectRoot}' },
          cache: true,
          inputs: [input, `^${input}`, { externalDependencies: ['rolldown', ...Object.keys(libraries)] }],
          outputs: ['{projectRoot}/dist'],
        },
        test: {
          command: 'vitest run --dir src',
          options: { cwd: '{projectRoot}' },
          cache: true,
          inputs: ['default', `^${input}`, { externalDependencies: ['vitest'] }],
        },
      },
    },
  };
}

/** sluice.json of a new service. */
export function sluiceJson({ projectName, port, path, database, stages, schema }: Wanted) {
  const secrets = secretsOf(database);
  const page = path === '/' ? '' : path;
  return {
    $schema: schema,
    images: { [projectName]: {} },
    http: { [projectName]: { port, path, health: { path: '/readyz', status: 200, body: 'ready' } } },
    ...(database
      ? {
          migrations: {
            service: projectName,
            command: ['node', 'dist/migrate.js'],
            files: 'migrations/*.sql',
          },
          databases: [
            {
              service: 'db',
              kind: database.engine,
              name: database.name,
              user: database.engine === 'postgres' ? database.user : 'root',
              passwordVariable: secrets.at(-1),
            },
          ],
          environment: { MIGRATE_ON_START: 'no' },
          secrets,
        }
      : {}),
    smoke: {
      checks: [
        { service: projectName, path: '/readyz', status: 200, body: 'ready' },
        {
          service: projectName,
          path: database ? `${page}/notes` : path,
          status: 200,
          contentType: 'application/json',
        },
      ],
    },
    ...perStage(stages),
  };
}

/** What differs between environments, to begin with: the first one says more. */
export function perStage(stages: readonly string[]): { stages?: Record<string, unknown> } {
  if (stages.length === 0) return {};
  const level = (index: number) => (index === 0 && stages.length > 1 ? 'debug' : 'info');
  return {
    stages: Object.fromEntries(
      stages.map((name, index) => [name, { environment: { LOG_LEVEL: level(index) } }]),
    ),
  };
}
