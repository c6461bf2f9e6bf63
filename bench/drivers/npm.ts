import { commandDriver } from './command.ts';

export const npm = commandDriver({
  id: 'npm',
  operation: 'publish',
  title: 'npm publish --workspaces',
  argv: () => ['npm', 'publish', '--workspaces'],
});
