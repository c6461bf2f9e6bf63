import { competitor } from '../commands.ts';
import { commandDriver } from './command.ts';

export const pnpm = commandDriver({
  id: 'pnpm',
  operation: 'publish',
  title: 'pnpm -r publish --no-git-checks',
  files: { 'pnpm-workspace.yaml': 'packages:\n  - packages/*\n' },
  argv: () => [competitor('pnpm'), '-r', 'publish', '--no-git-checks'],
});
