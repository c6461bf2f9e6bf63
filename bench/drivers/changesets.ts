import { competitor } from '../commands.ts';
import { commandDriver } from './command.ts';

export const changesets = commandDriver({
  id: 'changesets',
  operation: 'publish',
  title: 'changeset publish',
  files: {
    '.changeset/config.json': `${JSON.stringify({ changelog: false, commit: false, access: 'public', baseBranch: 'main' })}\n`,
  },
  argv: () => ['node', competitor('changeset'), 'publish'],
});
