/** What the environment says, read once: a service that lacks something says so at its start and not at the first request. */
export interface Config {
  port: number;
  logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error';
  /** Folder of the attachments: a volume. */
  uploads: string;
  migrateOnStart: boolean;
  /** What runs: shown by `/healthz`, so that a person can tell two releases apart. */
  release: string;
  database: { host: string; port: number; user: string; password: string; database: string };
}

type Env = Readonly<Record<string, string | undefined>>;
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const;

/** @throws Error that names every variable that is missing or wrong, at once, and no value. */
export function readConfig(env: Env): Config {
  const problems: string[] = [];
  const text = (name: string, fallback?: string): string => {
    const value = env[name] || fallback;
    if (value === undefined) problems.push(`${name} is missing`);
    return value ?? '';
  };
  const port = (name: string, fallback: string): number => {
    const value = Number(text(name, fallback));
    if (!Number.isInteger(value) || value < 1 || value > 65_535) problems.push(`${name} is not a port`);
    return value;
  };
  const level = LEVELS.find((one) => one === text('LOG_LEVEL', 'info'));
  if (!level) problems.push(`LOG_LEVEL is none of ${LEVELS.join(', ')}`);
  const config: Config = {
    port: port('PORT', '3000'),
    logLevel: level ?? 'info',
    uploads: text('UPLOADS', '/data/uploads'),
    migrateOnStart: env['MIGRATE_ON_START'] === 'yes',
    release: text('RELEASE', 'dev'),
    database: {
      host: text('DATABASE_HOST'),
      port: port('DATABASE_PORT', '3306'),
      user: text('DATABASE_USER'),
      password: text('DATABASE_PASSWORD'),
      database: text('DATABASE_NAME'),
    },
  };
  if (problems.length > 0) throw new Error(problems.join('; '));
  return config;
}
