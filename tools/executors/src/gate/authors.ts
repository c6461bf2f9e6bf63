import { errors } from '../foundation/index.ts';
import type { Repository } from '../git/index.ts';
import { Memory } from './memory.ts';
import type { GateContext, GateItem } from './types.ts';

/** Who wrote what, as git tells it; items of one release share most of the questions. */
export class Authors {
  readonly #repository: Repository;
  readonly #emails = new Memory<string[]>();
  readonly #facts = new Memory<boolean>();

  constructor(repository: Repository) {
    this.#repository = repository;
  }

  /**
   * E-mail addresses of all who wrote what this promotion carries beyond what the stage has: authors, committers and
   * co-authors of the commits since then that touch the project, those of the artifact's own commit, and its publisher
   * where the sources were in no commit. Undefined where this repository does not have the artifact's commit.
   * @throws SHALLOW_CLONE where this clone cannot know
   */
  async of(context: GateContext, item: GateItem): Promise<Set<string> | undefined> {
    const published = context.state.published(item.name, item.version)?.record;
    if (!published) return undefined;
    if (await this.#facts.of('shallow', () => this.#repository.isShallow())) throw errors.SHALLOW_CLONE(item);
    const { commit, dirty } = published.source;
    if (!(await this.#has(commit))) return undefined;
    const base = await this.#commitInStage(context, item);
    const carried = await this.#between(base, commit, [item.root]);
    // `^@` are all its parents: what is left is the commit itself, also where it is a merge or the first one.
    const own = await this.#between(`${commit}^@`, commit, []);
    return new Set([...carried, ...own, ...(dirty ? [published.by] : [])]);
  }

  /**
   * The commit of what is now in the stage. Undefined (everything is new) where there is nothing, where its records do
   * not count, or where this repository does not have the commit: rather too many authors than too few.
   */
  async #commitInStage({ state, stage, trust }: GateContext, item: GateItem): Promise<string | undefined> {
    const there = state.position(stage.name, item.name);
    if (!there || !(await trust.record(there)).ok) return undefined;
    const published = state.published(there.record.name, there.record.version);
    if (!published || published.record.integrity !== there.record.integrity) return undefined;
    if (!(await trust.record(published)).ok) return undefined;
    const { commit } = published.record.source;
    return (await this.#has(commit)) ? commit : undefined;
  }

  #between(base: string | undefined, head: string, paths: string[]): Promise<string[]> {
    return this.#emails.of([base, head, ...paths].join('\0'), async () => {
      const changes = await this.#repository.changesBetween(base, head, paths);
      return changes.flatMap((change) => change.authors);
    });
  }

  #has(commit: string): Promise<boolean> {
    return this.#facts.of(`has ${commit}`, async () => {
      const { code } = await this.#repository.call(['cat-file', '-e', `${commit}^{commit}`]);
      return code === 0;
    });
  }
}
