import { createLogger } from '@acme/logger';
import { serve } from '@hono/node-server';
import { createApp } from './app.ts';
import { Attachments } from './attachments.ts';
import { readConfig, type Config } from './config.ts';
import { connect, openDatabase } from './database.ts';
import { migrate } from './migrations.ts';

/** How long requests that are under way may take once the process was asked to end, in milliseconds. */
const GRACE = 25_000;

const logger = createLogger({ fields: { service: 'api' } });
let config: Config;
try {
  config = readConfig(process.env);
} catch (error) {
  logger.error('cannot start', { error });
  process.exit(1);
}
const log = createLogger({ level: config.logLevel, fields: { service: 'api', release: config.release } });
const pool = connect(config.database);
if (config.migrateOnStart) await migrateWhenReady();

let stopping = false;
const server = serve(
  {
    fetch: createApp({
      database: openDatabase(pool),
      attachments: new Attachments(config.uploads),
      logger: log,
      release: config.release,
      stopping: () => stopping,
    }).fetch,
    port: config.port,
  },
  ({ port }) => log.info('listening', { port }),
);

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    stopping = true;
    log.info('stopping', { signal });
    const late = setTimeout(() => process.exit(1), GRACE).unref();
    server.close(() => {
      clearTimeout(late);
      void pool.end().finally(() => log.info('stopped'));
    });
    if ('closeIdleConnections' in server) server.closeIdleConnections();
  });
}

/** On a laptop the database starts beside the service; on a server the deployment migrates, once, before it starts anything. */
async function migrateWhenReady(): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      const connection = await pool.getConnection();
      await migrate(connection, 'migrations', log).finally(() => connection.release());
      return;
    } catch (error) {
      if (attempt === 60) throw error;
      log.warn('the database is not ready', { attempt, error });
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
  }
}
