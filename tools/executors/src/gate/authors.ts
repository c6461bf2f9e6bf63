import { errors } from '../foundation/index.ts';
import type { GateContext, GateItem } from './types.ts';

/**
 * E-mail addresses of all who wrote what this promotion carries beyond what the stage has: authors, committers and
 * co-authors of the commits since then that touch the project, those of the artifact's own commit, and its publisher
 * where the sources were in no commit.
 * @throws SHALLOW_CLONE where this clone cannot know
 */
export async function authorsOf(context: GateContext, item: GateItem): Promise<Set<string>> {
  const { repository, state } = context;
  if (await repository.isShallow()) throw errors.SHALLOW_CLONE(item);
  const published = state.published(item.name, item.version)?.record;
  if (!published) return new Set();
  const { commit, dirty } = published.source;
  const base = await commitInStage(context, item);
  const carried = await repository.changesBetween(base, commit, [item.root]);
  // `^@` are all its parents: what is left is the commit itself, also where it is a merge or the first one.
  const own = await repository.changesBetween(`${commit}^@`, commit, []);
  return new Set(
    [...carried, ...own].flatMap((change) => change.authors).concat(dirty ? [published.by] : []),
  );
}

/**
 * The commit of what is now in the stage. Undefined (everything is new) where there is nothing, where its records do
 * not count, or where this repository does not have the commit: rather too many authors than too few.
 */
async function commitInStage(context: GateContext, item: GateItem): Promise<string | undefined> {
  const { state, stage, trust, repository } = context;
  const there = state.position(stage.name, item.name);
  if (!there || !(await trust.record(there)).ok) return undefined;
  const published = state.published(there.record.name, there.record.version);
  if (!published || published.record.integrity !== there.record.integrity) return undefined;
  if (!(await trust.record(published)).ok) return undefined;
  const { commit } = published.record.source;
  const { code } = await repository.call(['cat-file', '-e', `${commit}^{commit}`]);
  return code === 0 ? commit : undefined;
}
