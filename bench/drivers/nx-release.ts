import { commandDriver } from './command.ts';

export const nxRelease = commandDriver({
  id: 'nx-release',
  operation: 'publish',
  title: 'nx release publish',
  argv: () => ['node', 'node_modules/.bin/nx', 'release', 'publish'],
});
