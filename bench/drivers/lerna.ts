import { competitor } from '../commands.ts';
import { commandDriver } from './command.ts';

export const lerna = commandDriver({
  id: 'lerna',
  operation: 'publish',
  title: 'lerna publish from-package --yes',
  files: { 'lerna.json': `${JSON.stringify({ version: 'independent', packages: ['packages/*'] })}\n` },
  argv: () => ['node', competitor('lerna'), 'publish', 'from-package', '--yes'],
});
