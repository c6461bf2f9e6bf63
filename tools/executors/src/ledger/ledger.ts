import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { errors, type SluiceError } from '../foundation/index.ts';
import { openBareRepository, withoutCredentials, type Repository } from '../git/index.ts';
import { commitAdditions, committerOf, type Added } from './commit.ts';
import { contains, load, type Loaded } from './load.ts';
import { push } from './push.ts';
import { moveRefs, refNames, type RefChange } from './refs.ts';
import type { BatchPlace } from './rows.ts';
import { localHead, synchronise, type Branch } from './sync.ts';
import type { Batch, Ledger, LedgerRecord, LedgerState, RecordBody, Signer } from './types.ts';
import { parseBatch } from './validate.ts';
import { batchPath, batchText, complete, messageOf } from './write.ts';

export interface OpenLedger {
  /** The work repository: holds the branch, unless `gitDir` is given, and in any case the snapshot of what was read. */
  repository: Repository;
  /** A bare repository for the ledger alone, made where there is none. */
  gitDir?: string;
  branch: string;
  /** Name or URL; without it nothing is fetched or pushed. */
  remote?: string;
  push: boolean;
  /** Stands in every record. */
  repositoryIdentity: string;
  requireSignature: boolean;
  /** Lost races before LEDGER_BUSY; 30 by default. */
  attempts?: number;
}

/** The ledger on a git branch; see `types.ts`. Opening reads nothing yet. */
export async function openLedger(options: OpenLedger): Promise<Ledger> {
  const { repository: work, gitDir, branch } = options;
  const repository = gitDir === undefined ? work : await openBareRepository(gitDir, branch);
  const place = createHash('sha256').update(`${repository.commonDir}\0${branch}`).digest('hex').slice(0, 16);
  return new GitLedger(options, repository, join(work.commonDir, 'sluice', `ledger-${place}.snapshot`));
}

const ATTEMPTS = 30;
/** Refusals in a row by a remote whose ledger stands still: nobody was first, so it is the remote that says no. */
const REFUSALS = 6;

interface Writing {
  make: (state: LedgerState) => RecordBody[];
  run: string;
  signer: Signer | undefined;
  attachments: Record<string, string>;
  now: Date;
  path: string;
  /** The same records are not signed twice (a key may ask for a touch each time). */
  signed: Map<string, string>;
}
interface Prepared {
  added: Added;
  records: LedgerRecord[];
}

class GitLedger implements Ledger {
  readonly repository: Repository;
  readonly #options: OpenLedger;
  readonly #branch: Branch;
  readonly #snapshot: string;
  #loaded: Loaded | undefined;
  #synchronised = false;
  #committer: Promise<string> | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: OpenLedger, repository: Repository, snapshot: string) {
    this.#options = options;
    this.repository = repository;
    this.#branch = {
      repository,
      branch: options.branch,
      ...(options.remote ? { remote: options.remote } : {}),
    };
    this.#snapshot = snapshot;
  }

  refresh(): Promise<LedgerState> {
    return this.#alone(async () => {
      const { local } = await this.#synchronise();
      return this.#read(local);
    });
  }

  state(): Promise<LedgerState> {
    return this.#alone(async () =>
      this.#read(this.#loaded ? this.#loaded.head : await localHead(this.#branch)),
    );
  }

  append(
    make: (state: LedgerState) => RecordBody[],
    { run, signer, now = new Date(), attachments = {} }: Parameters<Ledger['append']>[1],
  ): Promise<{ state: LedgerState; appended: LedgerRecord[] }> {
    const signed = new Map<string, string>();
    const writing = { make, run, signer, attachments, now, path: batchPath(now), signed };
    return this.#alone(() => (this.#pushes ? this.#appendAndPush(writing) : this.#appendHere(writing)));
  }

  async batch(path: string): Promise<Batch> {
    const { blob, commit } = await this.#place(path);
    const parsed = parseBatch(await this.repository.run(['cat-file', 'blob', blob]));
    if ('problem' in parsed) throw errors.LEDGER_CORRUPT({ path, commit, problem: parsed.problem });
    return parsed.batch;
  }

  async commitOf(path: string): Promise<string> {
    return (await this.#place(path)).commit;
  }

  audit(): Promise<{ path?: string; commit: string; problem: string }[]> {
    return this.#alone(async () => {
      const head = this.#loaded ? this.#loaded.head : await localHead(this.#branch);
      const { problems } = await this.#load(head);
      return problems.map(({ path, commit, problem }) => ({ ...(path ? { path } : {}), commit, problem }));
    });
  }

  isAncestor(ancestor: string, commit: string): Promise<boolean> {
    return contains(this.repository, ancestor, commit);
  }

  get #attempts(): number {
    return this.#options.attempts ?? ATTEMPTS;
  }

  get #pushes(): boolean {
    return this.#options.push && this.#branch.remote !== undefined;
  }

  /** Calls on one ledger go one after the other; other processes are met by compare-and-swap. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work, work);
    this.#last = result.catch(() => undefined);
    return result;
  }

  async #synchronise(): Promise<{ local: string | null; remote: string | null }> {
    const heads = await synchronise(this.#branch);
    this.#synchronised = true;
    return heads;
  }

  async #load(head: string | null): Promise<Loaded> {
    this.#loaded = await load(this.repository, this.#snapshot, this.#loaded, head);
    return this.#loaded;
  }

  async #read(head: string | null): Promise<LedgerState> {
    const { fold, problems } = await this.#load(head);
    const corrupt = problems.find((problem) => problem.corrupt);
    if (corrupt) {
      const { path = '', commit, problem } = corrupt;
      throw errors.LEDGER_CORRUPT({ path, commit, problem });
    }
    return fold.view(head);
  }

  /** Without a remote to push to: the branch here is the one that has to be swapped. */
  async #appendHere(writing: Writing): Promise<{ state: LedgerState; appended: LedgerRecord[] }> {
    let head = this.#synchronised ? await localHead(this.#branch) : (await this.#synchronise()).local;
    for (let attempt = 1; attempt <= this.#attempts; attempt++) {
      const prepared = await this.#prepare(writing, head);
      if (!prepared) return { state: await this.#read(head), appended: [] };
      if (await this.#moveHere(head, prepared.added.commit)) return this.#grow(prepared);
      await jitter(attempt);
      head = await localHead(this.#branch);
    }
    throw errors.LEDGER_BUSY({ branch: this.#branch.branch, attempts: this.#attempts }, { transient: true });
  }

  /** With one: its branch is the one to swap, and the one here follows. */
  async #appendAndPush(writing: Writing): Promise<{ state: LedgerState; appended: LedgerRecord[] }> {
    let heads = await this.#headsOrKeep(writing);
    let refusals = 0;
    for (let attempt = 1; attempt <= this.#attempts; attempt++) {
      const prepared = await this.#prepare(writing, heads.local);
      const head = prepared?.added.commit ?? heads.local;
      // Nothing of ours to send, and nothing that was left here before.
      if (head === null || head === heads.remote) return { state: await this.#read(head), appended: [] };
      const pushed = await push(this.#branch, head);
      if (pushed.outcome === 'done') {
        await this.#follow(heads.local, head);
        return prepared ? this.#grow(prepared) : { state: await this.#read(head), appended: [] };
      }
      if (pushed.outcome === 'unreachable') {
        if (prepared) await this.#keep(heads.local, prepared);
        throw this.#unreachable(pushed.said, prepared !== undefined);
      }
      await jitter(attempt);
      const before = heads.remote;
      heads = await this.#synchronise();
      if (
        prepared &&
        heads.remote &&
        (await contains(this.repository, prepared.added.commit, heads.remote))
      ) {
        // It was taken, and only the answer was lost.
        return { state: await this.#read(heads.local), appended: prepared.records };
      }
      refusals = heads.remote === before ? refusals + 1 : 0;
      if (refusals >= REFUSALS) {
        const remote = withoutCredentials(this.#branch.remote as string);
        throw errors.LEDGER_REFUSED({ branch: this.#branch.branch, remote, said: pushed.said });
      }
    }
    throw errors.LEDGER_BUSY({ branch: this.#branch.branch, attempts: this.#attempts }, { transient: true });
  }

  /** Whoever was already seen in this process is tried at once: the push finds out whether it is still the newest. */
  async #headsOrKeep(writing: Writing): Promise<{ local: string | null; remote: string | null }> {
    if (this.#synchronised) {
      const names = refNames(this.#branch.branch, true);
      const read = await this.repository.run([
        'for-each-ref',
        '--format=%(refname) %(objectname)',
        names.local,
        names.seen,
      ]);
      const refs = new Map(read.split('\n').map((line) => line.split(' ') as [string, string]));
      return { local: refs.get(names.local) ?? null, remote: refs.get(names.seen) ?? null };
    }
    try {
      return await this.#synchronise();
    } catch (error) {
      if ((error as SluiceError).code !== 'LEDGER_UNREACHABLE') throw error;
      const local = await localHead(this.#branch);
      const prepared = await this.#prepare(writing, local);
      if (!prepared) throw error;
      await this.#keep(local, prepared);
      throw this.#unreachable((error as SluiceError).message, true, error);
    }
  }

  /** The commit to be, on `head`; undefined where nothing is to be recorded. */
  async #prepare(writing: Writing, head: string | null): Promise<Prepared | undefined> {
    const bodies = writing.make(await this.#read(head));
    if (bodies.length === 0) return undefined;
    const { signer, now, path, run, attachments } = writing;
    if (!signer && this.#options.requireSignature) {
      throw errors.LEDGER_UNSIGNED({ branch: this.#branch.branch });
    }
    const records = complete(bodies, {
      at: now.toISOString(),
      repository: this.#options.repositoryIdentity,
      by: signer?.principal ?? 'unsigned',
      run,
    });
    const key = JSON.stringify(records);
    const text = writing.signed.get(key) ?? (await batchText(records, signer, attachments));
    writing.signed.set(key, text);
    this.#committer ??= committerOf(this.repository);
    const addition = { path, content: Buffer.from(text), message: messageOf(records) };
    const [added] = await commitAdditions(this.repository, head, [addition], {
      identity: await this.#committer,
      at: new Date(),
    });
    return { added: added as Added, records };
  }

  /** What was just committed on the head that is loaded need not be read from git. */
  async #grow({ added, records }: Prepared): Promise<{ state: LedgerState; appended: LedgerRecord[] }> {
    const loaded = this.#loaded as Loaded;
    loaded.rows.add(records, added satisfies BatchPlace);
    loaded.head = added.commit;
    return { state: loaded.fold.view(added.commit), appended: records };
  }

  async #moveHere(from: string | null, to: string): Promise<boolean> {
    const names = refNames(this.#branch.branch, this.#branch.remote !== undefined);
    const changes: RefChange[] = [{ ref: names.local, to, from }];
    if (this.#branch.remote === undefined) changes.push({ ref: names.seen, to });
    return moveRefs(this.repository, changes);
  }

  /** After a push. Another process of this clone may have been quicker: the remote is what counts, and it is noted. */
  async #follow(from: string | null, to: string): Promise<void> {
    const names = refNames(this.#branch.branch, true);
    const moved = await moveRefs(this.repository, [
      { ref: names.local, to, from },
      { ref: names.seen, to },
    ]);
    if (!moved) await moveRefs(this.repository, [{ ref: names.seen, to }]);
  }

  /** Keeps records that could not be sent on the branch here; the next synchronisation takes them along. */
  async #keep(from: string | null, prepared: Prepared): Promise<void> {
    if (await this.#moveHere(from, prepared.added.commit)) {
      await this.#grow(prepared);
      return;
    }
    // Another process of this clone kept something at the same time: put ours on top of that.
    for (let attempt = 1; attempt <= this.#attempts; attempt++) {
      const head = await localHead(this.#branch);
      const content = Buffer.from(await this.repository.run(['cat-file', 'blob', prepared.added.blob]));
      const addition = { path: prepared.added.path, content, message: messageOf(prepared.records) };
      const identity = await committerOf(this.repository);
      const [added] = await commitAdditions(this.repository, head, [addition], { identity, at: new Date() });
      if (await this.#moveHere(head, (added as Added).commit)) return;
      await jitter(attempt);
    }
    throw errors.LEDGER_BUSY({ branch: this.#branch.branch, attempts: this.#attempts }, { transient: true });
  }

  #unreachable(said: string, kept: boolean, cause?: unknown): SluiceError {
    this.#synchronised = false;
    const remote = withoutCredentials(this.#branch.remote as string);
    return errors.LEDGER_UNREACHABLE({ remote, said, kept }, { transient: true, cause });
  }

  async #place(path: string): Promise<BatchPlace> {
    if (!this.#loaded) await this.state();
    const place = (this.#loaded as Loaded).rows.place(path);
    if (!place) throw errors.LEDGER_BATCH_UNKNOWN({ path });
    return place;
  }
}

/** Losers of a race come back at different times. */
function jitter(attempt: number): Promise<void> {
  return pause(Math.random() * Math.min(1000, 15 * 2 ** attempt));
}
