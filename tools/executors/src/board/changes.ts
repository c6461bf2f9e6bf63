import { changelogSection } from '../outcome/notes.ts';
import type { Repository } from '../git/index.ts';
import type { LedgerState } from '../ledger/types.ts';
import type { Changes } from './model/types.ts';

/** So many commits are listed; of the others the number is said. */
const LISTED = 100;
const FIELD = '\u001f';

/**
 * What the next promotion of a project into a stage would carry: the commits that touch it between what the stage has
 * and what waits, and what its changelog says of the versions in between. Undefined where nothing waits.
 */
export async function changesBetweenStages(
  repository: Repository,
  state: LedgerState,
  { name, stage, before }: { name: string; stage: string; before: string },
): Promise<Changes | undefined> {
  const next = state.position(before, name)?.record;
  const source = next && state.published(name, next.version)?.record;
  if (!next || !source) return undefined;
  if (state.standing(stage, name, next.version)?.record.integrity === next.integrity) return undefined;
  const here = state.position(stage, name)?.record;
  const there = here && state.published(name, here.version)?.record;
  const head = source.source.commit;
  const base = there?.source.commit;
  const versions = versionsSince(state, before, name, here?.version, next.version);
  const changes: Changes = {
    name,
    stage,
    from: { version: next.version, commit: head },
    ...(there && base ? { to: { version: there.version, commit: base } } : {}),
    commits: [],
    more: 0,
    changelog: [],
  };
  if (!(await has(repository, head)) || (base !== undefined && !(await has(repository, base))))
    return {
      ...changes,
      problem: 'this clone does not have the commits in between: git fetch --unshallow, or git fetch',
    };
  const range = base === undefined ? [head] : [head, `^${base}`];
  const path = ['--', source.root];
  const format = '--format=%H%x1f%an%x1f%aI%x1f%s';
  const log = ['log', '-z', '--no-color', '--no-show-signature', `--max-count=${LISTED}`, format];
  const [text, count, file] = await Promise.all([
    repository.run([...log, '--end-of-options', ...range, ...path]),
    repository.run(['rev-list', '--count', '--end-of-options', ...range, ...path]),
    repository.show(head, source.root === '.' ? 'CHANGELOG.md' : `${source.root}/CHANGELOG.md`),
  ]);
  const commits = text
    .split('\0')
    .filter(Boolean)
    .map((line) => {
      const [commit = '', author = '', at = '', subject = ''] = line.split(FIELD);
      return { commit, author, at, subject };
    });
  return {
    ...changes,
    commits,
    more: Math.max(0, Number(count) - commits.length),
    changelog: versions.flatMap((version) => {
      const section = file === undefined ? undefined : changelogSection(file, version);
      return section ? [{ version, text: section }] : [];
    }),
  };
}

/** Versions that entered the stage before after the one that the stage has, newest first. */
function versionsSince(
  state: LedgerState,
  before: string,
  name: string,
  here: string | undefined,
  next: string,
): string[] {
  const records = state.records(
    (row) => row.name === name && row.stage === before && ['published', 'promoted'].includes(row.type),
  );
  const versions: string[] = [];
  for (let at = records.length - 1; at >= 0; at--) {
    const record = records.at(at)?.record;
    if (!record || !('version' in record) || record.version === here) break;
    if (!versions.includes(record.version)) versions.push(record.version);
  }
  return versions.includes(next) ? versions.slice(versions.indexOf(next)) : [next];
}

async function has(repository: Repository, commit: string): Promise<boolean> {
  return (await repository.call(['cat-file', '-e', `${commit}^{commit}`])).code === 0;
}
