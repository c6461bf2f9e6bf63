import { errors } from '../../../../foundation/index.ts';
import { normaliseRemote, openRepository } from '../../../../git/index.ts';

/** What an image says of the sources that it was built from. */
export interface Source {
  commit: string;
  dirty: boolean;
  /** When the commit was made, in seconds since 1970; SOURCE_DATE_EPOCH wins. */
  epoch: number;
  /** Address of the repository, where it has one that others can open. */
  source?: string;
}

/** @throws NO_GIT_REPOSITORY, NO_COMMIT */
export async function readSource(
  workspaceRoot: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Source> {
  const repository = await openRepository(workspaceRoot);
  const commit = await repository.head();
  if (commit === undefined) throw errors.NO_COMMIT(undefined);
  const args = ['log', '-1', '--format=%ct', '--no-color', '--no-show-signature', commit];
  const said = Number.parseInt(env['SOURCE_DATE_EPOCH'] ?? '', 10);
  const epoch = said >= 0 ? said : Number((await repository.run(args)).trim());
  const remote = await repository.config('remote.origin.url');
  const name = remote === undefined ? 'file:' : normaliseRemote(remote);
  return {
    commit,
    dirty: await repository.isDirty(),
    epoch,
    ...(name.startsWith('file:') ? {} : { source: `https://${name}` }),
  };
}
