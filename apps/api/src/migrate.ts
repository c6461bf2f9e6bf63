import { createLogger } from '@acme/logger';
import { createConnection } from 'mysql2/promise';
import { readConfig } from './config.ts';
import { migrate } from './migrations.ts';

const logger = createLogger({ fields: { service: 'api', program: 'migrate' } });
try {
  const connection = await createConnection(readConfig(process.env).database);
  try {
    const applied = await migrate(connection, 'migrations', logger);
    logger.info('migrated', { applied });
  } finally {
    await connection.end();
  }
} catch (error) {
  logger.error('migration failed', { error });
  process.exitCode = 1;
}
