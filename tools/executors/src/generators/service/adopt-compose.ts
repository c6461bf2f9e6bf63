import { errors } from '../../foundation/index.ts';
import {
  conflicts,
  interpolate,
  notCarried,
  pairs,
  parseCompose,
  portsOf,
  volumesOf,
  type ComposeFile,
} from '../../service/compose/index.ts';
import { databaseIn } from './adopt-database.ts';
import { dockerfilePort, healthCheck, healthPath } from './adopt-docker.ts';

type Mapping = Record<string, unknown>;
const isMapping = (value: unknown): value is Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export interface ComposeInput {
  /** For messages. */
  file: string;
  text: string;
  /** Text of another file of the folder. */
  read: (file: string) => string | undefined;
  /** Path prefix of the first service that people reach. */
  path: string;
  port?: number;
  health?: string;
  migrate?: string;
  /** Whether there is a folder of migrations. */
  migrations: boolean;
}
export interface ComposeRead {
  /** sluice.json, without what differs between stages. */
  config: Mapping;
  /** Variables of the file, and whether it gives each a value of its own. */
  variables: Record<string, boolean>;
  /** What a person still has to look at. */
  notes: string[];
}

/** A compose file for an image that has a Dockerfile alone. */
export const composeFor = (name: string, port: number): string =>
  `services:\n  ${name}:\n    build: .\n    ports:\n      - '\${PORT:-${port}}:${port}'\n    restart: unless-stopped\n`;

/**
 * What sluice.json says about a compose file: what is built here, what people reach, databases, volumes, secrets.
 * @throws ADOPTED_FILE_UNREADABLE, SERVICE_NOTHING_BUILT
 */
export function readCompose(input: ComposeInput): ComposeRead {
  const { file, text } = input;
  const invalid = (problems: string[]) => errors.ADOPTED_FILE_UNREADABLE({ file, problems });
  // The file's own defaults stand for the values: what is read here is its shape.
  const { text: filled, mistake } = interpolate(text, {});
  if (mistake !== undefined) throw invalid([mistake]);
  const raw = parseCompose(text);
  const compose = parseCompose(filled);
  if (Array.isArray(raw)) throw invalid(raw);
  if (Array.isArray(compose)) throw invalid(compose);
  const built = Object.keys(compose.services).filter((name) => compose.services[name]?.['build']);
  if (built.length === 0) throw errors.SERVICE_NOTHING_BUILT({ file });

  const variables = variablesOf(text);
  const databases = Object.keys(compose.services)
    .filter((name) => !built.includes(name))
    .flatMap((name) => databaseIn(name, raw.services[name] ?? {}, compose.services[name] ?? {}));
  const secrets = Object.keys(variables).filter((name) => SECRET.test(name));
  const open = Object.entries(variables).filter(([name, given]) => !given && !secrets.includes(name));
  const http = httpOf(input, compose, built);
  const kept = [...new Set(built.flatMap((name) => volumesOf(compose.services[name] ?? {})))];
  const { notes: aboutMigrations, ...migrations } = migrationsOf(
    input,
    Object.keys(http)[0] ?? built[0] ?? '',
  );
  const blocked = conflicts(compose, built, Object.keys(http));
  return {
    config: {
      images: Object.fromEntries(built.map((name) => [name, imageOf(compose.services[name]?.['build'])])),
      ...some('http', http),
      ...migrations,
      ...some(
        'databases',
        databases.flatMap(({ database }) => (database ? [database] : [])),
      ),
      ...some('volumes', kept),
      ...some('secrets', secrets),
      ...some('smoke', smokeOf(http)),
    },
    variables,
    notes: [
      ...databases.flatMap(({ note }) => (note ? [note] : [])),
      ...aboutMigrations,
      ...open.map(
        ([name]) => `${file}: \${${name}} has no default; give it a value under "environment" of sluice.json`,
      ),
      ...notCarried(compose, Object.keys(compose.services)).map((problem) => `${file}: ${problem}`),
      ...blocked.named.map(
        (name) => `${file}: services.${name}.container_name: two releases run side by side`,
      ),
      ...blocked.ports.map((at) => `${file}: ${at}: two releases run side by side`),
    ],
  };
}

const SECRET = /(PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|CREDENTIALS?|(^|_)KEY|_DSN)$/i;

/** Variables of a compose file, and whether the file gives each a value of its own. Ours come by themselves. */
function variablesOf(text: string): Record<string, boolean> {
  const found: Record<string, boolean> = {};
  const code = text.replaceAll('$$', '').replaceAll(/(^|\s)#.*$/gm, '');
  for (const [, name = '', operator = ''] of code.matchAll(/\$\{?([A-Za-z_]\w*)(:?[-+])?/g))
    if (!name.startsWith('SLUICE_')) found[name] = found[name] ?? operator !== '';
  return found;
}

function imageOf(build: unknown): Mapping {
  const { context, dockerfile, target, args } = isMapping(build) ? build : { context: build };
  const said = typeof context === 'string' ? context.replace(/^\.\/(?=.)/, '').replace(/\/$/, '') : '.';
  const given = Object.entries(pairs(args)).filter(([, value]) => value !== null);
  return {
    ...(said === '.' ? {} : { context: said }),
    ...(typeof dockerfile === 'string' && dockerfile !== 'Dockerfile' ? { dockerfile } : {}),
    ...(typeof target === 'string' ? { target } : {}),
    ...(given.length > 0 ? { args: Object.fromEntries(given) } : {}),
  };
}

type Http = Record<string, { port: number; path: string; health: { path: string; status: number } }>;

/** What has a port is reached by people: the first one at the path, others below their names. */
function httpOf({ path, port, health, read }: ComposeInput, compose: ComposeFile, built: string[]): Http {
  const prefix = path === '/' ? '' : path;
  const found: Http = {};
  for (const name of built) {
    const service = compose.services[name] ?? {};
    const dockerfile = read(dockerfileOf(service['build']));
    const first = Object.keys(found).length === 0;
    const inside = Number(portsOf(service)[0]?.container);
    const number =
      (first ? port : undefined) ?? (inside || (built.length === 1 ? dockerfilePort(dockerfile) : 0));
    if (!number) continue;
    const asked =
      (first ? health : undefined) ??
      healthPath(JSON.stringify(service['healthcheck'] ?? '')) ??
      healthPath(healthCheck(dockerfile)) ??
      '/';
    found[name] = {
      port: number,
      path: first ? path : `${prefix}/${name}`,
      health: { path: asked, status: 200 },
    };
  }
  return found;
}

function dockerfileOf(build: unknown): string {
  const { context = '.', dockerfile = 'Dockerfile' } = imageOf(build) as Record<string, string | undefined>;
  return context === '.' ? dockerfile : `${context}/${dockerfile}`;
}

function migrationsOf(
  { migrate, migrations }: ComposeInput,
  service: string,
): { migrations?: Mapping; notes: string[] } {
  const command = migrate?.trim().split(/\s+/) ?? [];
  if (command.length > 0 && command[0] !== '')
    return {
      migrations: { service, command, ...(migrations ? { files: 'migrations/*.sql' } : {}) },
      notes: [],
    };
  const note =
    'there is a folder "migrations", and sluice.json does not say what applies it: add "migrations", or remove sluice.json and give --migrate';
  return { notes: migrations ? [note] : [] };
}

const smokeOf = (http: Http): Mapping => {
  const checks = Object.entries(http).map(([service, { health }]) => ({ service, ...health }));
  return checks.length > 0 ? { checks } : {};
};

const some = (key: string, value: object): Mapping => (Object.keys(value).length > 0 ? { [key]: value } : {});
