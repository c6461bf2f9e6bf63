import { canonicalJson } from '../foundation/index.ts';
import type { Approved, Batch, Entry, Ledger } from '../ledger/types.ts';
import type { Profile } from '../pipeline/types.ts';
import { identities, type Identity } from './identities.ts';
import { Memory } from './memory.ts';
import { Signatures, type Signed, type SigningPolicy } from './signatures.ts';

/** Clocks of two machines may differ by this much before a record counts as dated in the future. */
const CLOCK_SKEW_MS = 5 * 60_000;

type AnyEntry = Pick<Entry, 'record' | 'batch'>;

export interface TrustInput {
  policy: SigningPolicy;
  ledger: Ledger;
  /** The repository, as the ledger names it. */
  repositoryIdentity: string;
  profile: Profile;
  now: Date;
}

/** Whether a record can be rested on. Remembers what it looked up, for the time of one evaluation. */
export class Trust {
  /** The persons of the approvers' file. */
  readonly identities: Identity[];
  readonly #input: TrustInput;
  readonly #signatures: Signatures;
  readonly #batches = new Memory<Batch>();
  readonly #commits = new Memory<BatchCommit>();
  readonly #pins = new Memory<string | undefined>();

  constructor(input: TrustInput) {
    this.#input = input;
    this.#signatures = new Signatures(input.ledger, input.repositoryIdentity);
    this.identities = identities(input.policy.allowedSigners);
  }

  /** Local records may be unsigned: nobody but the user of this machine writes that ledger. */
  async record(entry: AnyEntry): Promise<{ ok: true } | { ok: false; problem: string }> {
    if (this.#input.profile === 'local') return { ok: true };
    const signed = await this.signature(entry);
    if (!signed.ok) return signed;
    const changed = await this.changed(entry.batch);
    return changed ? no(changed) : signed;
  }

  /** Whether a batch's file is not as it was written; undefined where it is. */
  async changed(batch: string): Promise<string | undefined> {
    return changeProblem(await this.commit(batch));
  }

  /** Like `record`, for one that takes back what was recorded at an instant: a copy of an older one does not. */
  async undoes(entry: AnyEntry, what: string): Promise<{ ok: true } | { ok: false; problem: string }> {
    if (Date.parse(entry.record.at) < Date.parse(what) - CLOCK_SKEW_MS)
      return no(`it is a copy of a record from before (${entry.record.at})`);
    return this.record(entry);
  }

  /**
   * Whether the entry's batch is signed, by the one whom the record names, with a key that the policy allows and nobody
   * revoked; valid when it was signed, and with `stillValid` also now.
   */
  async signature({ record, batch }: AnyEntry, { stillValid = false } = {}): Promise<Signed> {
    const { now, policy } = this.#input;
    const at = new Date(record.at);
    if (!(at.getTime() <= now.getTime() + CLOCK_SKEW_MS))
      return no(`it is dated in the future (${record.at})`);
    const { records, signature } = await this.#batches.of(batch, () => this.#input.ledger.batch(batch));
    const text = canonicalJson(record);
    if (!records.some((one) => canonicalJson(one) === text)) return no('it is not what its batch holds');
    let signed = await this.#signatures.of(policy, records, signature, at);
    // A token of a job is for its moment; a key may be taken from its person afterwards.
    if (signed.ok && stillValid && !signed.job)
      signed = await this.#signatures.of(policy, records, signature, now);
    return signed;
  }

  /** Why the approval's place in history does not hold; undefined where it does. */
  pinProblem(entry: Entry<Approved>): Promise<string | undefined> {
    return this.#pins.of(entry.batch + entry.record.nonce, () => this.#pinProblem(entry));
  }

  async #pinProblem({ record, batch, order }: Entry<Approved>): Promise<string | undefined> {
    const { ledger } = this.#input;
    const commit = await this.commit(batch);
    const changed = changeProblem(commit);
    if (changed) return changed;
    const pinned = record.ledgerHead;
    if (pinned === null)
      return order === 0 ? undefined : 'it was signed for an empty ledger, and this one was not';
    if (await ledger.isAncestor(pinned, commit.hash)) return undefined;
    return `the ledger head that it names (${pinned}) is not in the history before it`;
  }

  /** When the commit that added a batch was made, by its own word. */
  async committedAt(batch: string): Promise<Date> {
    return (await this.commit(batch)).at;
  }

  commit(batch: string): Promise<BatchCommit> {
    return this.#commits.of(batch, () => batchCommit(this.#input.ledger, batch));
  }
}

interface BatchCommit {
  hash: string;
  at: Date;
  /** Commits of the branch that touch the file; more than one where somebody edited the record. */
  touched: number;
}

async function batchCommit(ledger: Ledger, batch: string): Promise<BatchCommit> {
  const { head } = await ledger.state();
  const hash = await ledger.commitOf(batch);
  // From its own commit on only, or each question would cost a walk over the whole ledger. Merges are compared with
  // each parent: what comes in by a merge is a change as well.
  const range = [head ?? 'HEAD', `^${hash}^@`];
  const args = [
    'log',
    '--full-history',
    '-m',
    '--no-renames',
    '--format=%H %ct',
    '--end-of-options',
    ...range,
    '--',
    batch,
  ];
  const lines = (await ledger.repository.run(args)).split('\n').filter((line) => line !== '');
  const [added, seconds = '0'] = lines.at(-1)?.split(' ') ?? [];
  return { hash, at: new Date(Number(seconds) * 1000), touched: added === hash ? lines.length : 0 };
}

function changeProblem({ touched }: BatchCommit): string | undefined {
  if (touched === 1) return undefined;
  return touched === 0 ? 'no commit of the ledger holds it' : 'its file was changed after it was written';
}

function no(problem: string): { ok: false; problem: string } {
  return { ok: false, problem };
}
