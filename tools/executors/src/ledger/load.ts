import { readObjects, type Repository } from '../git/index.ts';
import { readSnapshot, writeSnapshot } from './cache.ts';
import { Fold } from './fold.ts';
import { readHistory, type Problem } from './history.ts';
import { Rows } from './rows.ts';
import { parseBatch } from './validate.ts';

/** The ledger as read up to `head`; grows in place. */
export interface Loaded {
  head: string | null;
  rows: Rows;
  fold: Fold;
  problems: Problem[];
}

/** So many batches are read again rather than kept on disk: reading them takes less than writing a large snapshot. */
const WORTH_KEEPING = 256;

function nothingLoaded(): Loaded {
  const rows = new Rows();
  return { head: null, rows, fold: new Fold(rows), problems: [] };
}

/** Brings what is known up to `head`: from memory, else from the snapshot, else from the first commit on. */
export async function load(
  repository: Repository,
  snapshotFile: string,
  known: Loaded | undefined,
  head: string | null,
): Promise<Loaded> {
  if (known?.head === head) return known;
  if (head === null) return nothingLoaded();
  const base = await startingPoint(repository, snapshotFile, known, head);
  const before = base.rows.batches;
  await extend(repository, base, head);
  if (base.rows.batches - before >= WORTH_KEEPING) {
    await writeSnapshot(snapshotFile, { head, problems: base.problems, rows: base.rows.pack() });
  }
  return base;
}

async function startingPoint(
  repository: Repository,
  snapshotFile: string,
  known: Loaded | undefined,
  head: string,
): Promise<Loaded> {
  if (known?.head && (await contains(repository, known.head, head))) return known;
  const snapshot = await readSnapshot(snapshotFile);
  if (!snapshot || !(await contains(repository, snapshot.head, head))) return nothingLoaded();
  const rows = new Rows(snapshot.rows);
  return { head: snapshot.head, rows, fold: new Fold(rows), problems: snapshot.problems };
}

async function extend(repository: Repository, base: Loaded, head: string): Promise<void> {
  if (base.head === head) return;
  const { batches, problems } = await readHistory(
    repository,
    base.head,
    head,
    (path) => base.rows.place(path) !== undefined,
  );
  const hashes = batches.map(({ blob }) => blob);
  const read: Parameters<Rows['add']>[] = [];
  await readObjects(repository, hashes, (content, index) => {
    const place = batches[index] as (typeof batches)[number];
    const parsed = content ? parseBatch(content.toString('utf8')) : { problem: 'it is missing' };
    if ('batch' in parsed) read.push([parsed.batch.records, place]);
    else problems.push({ path: place.path, commit: place.commit, problem: parsed.problem, corrupt: true });
  });
  // All or nothing: a failed read leaves what was known as it was.
  for (const args of read) base.rows.add(...args);
  base.problems.push(...problems);
  base.head = head;
}

/** Whether `ancestor` is there and in the history of `commit`. */
export async function contains(repository: Repository, ancestor: string, commit: string): Promise<boolean> {
  if (ancestor === commit) return true;
  return (await repository.call(['merge-base', '--is-ancestor', ancestor, commit])).code === 0;
}
