import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errors } from '../foundation/index.ts';
import { FETCH, readObjects, withoutCredentials, type Repository } from '../git/index.ts';
import { commitAdditions, committerOf } from './commit.ts';
import { contains } from './load.ts';
import { parseBatch } from './validate.ts';
import {
  landed,
  LANDING,
  landingRef,
  moveRefs,
  PATIENT,
  readRefs,
  refNames,
  type RefChange,
} from './refs.ts';

export interface Branch {
  repository: Repository;
  branch: string;
  remote?: string;
}

/** The ledger's heads after a look at the remote. */
export interface Heads {
  /** This clone's, with what was not sent yet on top. */
  local: string | null;
  /** The remote's; null where it has no ledger yet, or there is no remote. */
  remote: string | null;
}

const TRIES = 20;

/** The head of this clone, without asking the remote. @throws LEDGER_REWRITTEN where there is no remote, and the branch lost records */
export async function localHead(branch: Branch): Promise<string | null> {
  const { repository, remote } = branch;
  const names = refNames(branch.branch, remote !== undefined);
  let suspect: string | undefined;
  for (;;) {
    const refs = await readRefs(repository, names.local, names.seen);
    const local = refs.get(names.local) ?? null;
    const seen = refs.get(names.seen);
    if (remote !== undefined) return local;
    if (await hasGrown(repository, seen, local)) {
      if (local !== null && seen !== local) await moveRefs(repository, [{ ref: names.seen, to: local }]);
      return local;
    }
    // Another process may have written between the two reads: only a branch read after what was seen can accuse.
    if (suspect !== undefined && suspect === seen) throw rewritten(branch, suspect, local);
    suspect = seen;
  }
}

/**
 * Fetches the ledger and puts what this clone has not sent yet on top of it.
 * @throws LEDGER_UNREACHABLE (transient), LEDGER_REWRITTEN
 */
export async function synchronise(branch: Branch): Promise<Heads> {
  const { repository, remote } = branch;
  if (remote === undefined) return { local: await localHead(branch), remote: null };
  const names = refNames(branch.branch, true);
  let landing = await fetch(branch);
  let suspect: string | undefined;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const refs = await readRefs(repository, names.local, names.seen, LANDING);
    const tip = refs.get(landing) ?? null;
    const local = refs.get(names.local) ?? null;
    const seen = refs.get(names.seen);
    const clearing = landed(refs.keys(), landing, Date.now()).map((ref): RefChange => ({ ref, to: null }));
    if (!(await hasGrown(repository, seen, tip))) {
      await moveRefs(repository, clearing);
      // Another process of this clone may have fetched later than we did: only a newer look can accuse.
      if (suspect !== undefined && suspect === seen) throw rewritten(branch, suspect, tip);
      suspect = seen;
      landing = await fetch(branch);
      continue;
    }
    if (tip !== null && tip !== seen) await completeHistory(branch, tip);
    const next = await onTopOf(repository, tip, local);
    const changes = [...clearing];
    if (tip !== null && tip !== seen) changes.push({ ref: names.seen, to: tip });
    if (next !== null && next !== local) changes.push({ ref: names.local, to: next, from: local });
    if (await moveRefs(repository, changes)) return { local: next, remote: tip };
  }
  throw errors.LEDGER_BUSY({ branch: branch.branch, attempts: TRIES }, { transient: true });
}

/** Brings the remote's ledger to a ref of this call's own, and names it; the ref is missing where the remote has none. */
async function fetch(branch: Branch): Promise<string> {
  const landing = landingRef(branch.branch, Date.now());
  // The pattern lets a remote without a ledger answer with nothing instead of failing.
  await fetchInto(branch, [`+refs/heads/${branch.branch}*:${landing}*`]);
  return landing;
}

async function fetchInto(
  { repository, remote = '' }: Branch,
  refspecs: string[],
  how: string[] = [],
): Promise<void> {
  const { code, stderr } = await repository.call([...PATIENT, ...FETCH, ...how, '--', remote, ...refspecs]);
  if (code === 0) return;
  const params = { remote: withoutCredentials(remote), said: stderr, kept: false };
  throw errors.LEDGER_UNREACHABLE(params, { transient: true });
}

/** Append-only: the head that was seen last is still in the history. */
async function hasGrown(
  repository: Repository,
  seen: string | undefined,
  tip: string | null,
): Promise<boolean> {
  return seen === undefined || (tip !== null && (await contains(repository, seen, tip)));
}

function rewritten({ repository, branch, remote }: Branch, seen: string, found: string | null) {
  return errors.LEDGER_REWRITTEN(
    {
      branch,
      where: remote === undefined ? undefined : withoutCredentials(remote),
      seen,
      found: found ?? undefined,
      names: refNames(branch, remote !== undefined),
      gitDir: repository.root === '' ? repository.gitDir : undefined,
    },
    { details: { seen, found } },
  );
}

/** A clone made with `--depth` may have cut the ledger off; it is read from its first record. */
async function completeHistory(branch: Branch, tip: string): Promise<void> {
  const file = join(branch.repository.commonDir, 'shallow');
  if (!existsSync(file)) return;
  const edge = new Set((await readFile(file, 'utf8')).split('\n'));
  const roots = (await branch.repository.run(['rev-list', '--max-parents=0', tip])).split('\n');
  if (!roots.some((root) => root !== '' && edge.has(root))) return;
  await fetchInto(branch, [`refs/heads/${branch.branch}`], ['--unshallow']);
}

/** The head to have here: the remote's, with the batches that only this clone has committed anew on top. */
async function onTopOf(
  repository: Repository,
  tip: string | null,
  local: string | null,
): Promise<string | null> {
  if (tip === null || local === null || tip === local) return tip ?? local;
  if (await contains(repository, local, tip)) return tip;
  if (await contains(repository, tip, local)) return local;
  const [kept, theirs] = await Promise.all([
    batchesOnlyIn(repository, local, tip),
    batchesOnlyIn(repository, tip, local),
  ]);
  const said = new Set([...theirs.values()].flatMap((content) => facts(content) ?? []));
  // In the order in which they were written: their names begin with the time.
  const paths = [...kept.keys()].sort().filter((path) => {
    const known = facts(kept.get(path) as Buffer)?.every((fact) => fact !== undefined && said.has(fact));
    return known !== true;
  });
  if (paths.length === 0) return tip;
  const additions = paths.map((path) => ({
    path,
    content: kept.get(path) as Buffer,
    message: 'Records that were written while the remote could not be reached',
  }));
  const identity = await committerOf(repository);
  const added = await commitAdditions(repository, tip, additions, { identity, at: new Date() });
  return added.at(-1)?.commit ?? tip;
}

/** Batches that one commit has and the other lacks: path -> content. */
async function batchesOnlyIn(
  repository: Repository,
  has: string,
  lacks: string,
): Promise<Map<string, Buffer>> {
  const how = ['-r', '-z', '--no-renames', '--no-abbrev', '--diff-filter=A'];
  const fields = (await repository.run(['diff-tree', ...how, lacks, has, '--', 'records'])).split('\0');
  const blobs = new Map<string, string>();
  for (let at = 0; at + 1 < fields.length; at += 2) {
    blobs.set(fields[at + 1] as string, fields[at]?.split(' ')[3] as string);
  }
  const paths = [...blobs.keys()];
  const contents = new Map<string, Buffer>();
  await readObjects(repository, [...blobs.values()], (content, index) => {
    contents.set(paths[index] as string, Buffer.from(content ?? ''));
  });
  return contents;
}

/**
 * What a batch says that another clone may have found and recorded too, one text for each record: that a version entered
 * a stage. Undefined for records that only their own run can know of, and for what cannot be read.
 */
function facts(content: Buffer): (string | undefined)[] | undefined {
  const parsed = parseBatch(content.toString('utf8'));
  if ('problem' in parsed) return undefined;
  return parsed.batch.records.map((record) =>
    record.type === 'published' || record.type === 'promoted'
      ? [record.type, record.stage, record.registry, record.name, record.version, record.integrity].join(' ')
      : undefined,
  );
}
