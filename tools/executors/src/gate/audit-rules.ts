import { canonicalHash, SluiceError } from '../foundation/index.ts';
import type {
  Approved,
  Batch,
  Deployed,
  Entry,
  EnvironmentRun,
  Ledger,
  LedgerRecord,
  LedgerState,
  Promoted,
  Returned,
} from '../ledger/types.ts';
import type { GateOptions, Profile } from '../pipeline/types.ts';
import { fieldProblem } from './approval-fields.ts';
import type { AuditProblem } from './audit.ts';
import type { Checkpoint } from './checkpoint.ts';
import { environmentOptions, reviewsOf } from './environment-run.ts';
import { identities, isOneOf, sameIdentity, type Identity } from './identities.ts';
import { approverOf, userOf } from './people.ts';
import type { PolicyHistory } from './policy-history.ts';
import type { Policy } from './policy.ts';
import { approvalOptions } from './requirements.ts';
import { sameEnvironment } from './running-job.ts';
import { Signatures, type Signed } from './signatures.ts';

/** A batch with the commit that added it. */
export interface PlacedBatch {
  path: string;
  commit: string;
  committedAt: Date;
  batch: Batch;
}

export interface RulesInput {
  ledger: Ledger;
  state: LedgerState;
  policy: Policy;
  history: PolicyHistory;
  profile: Profile;
  now: Date;
  /** The repository, as the ledger names it. */
  repositoryIdentity: string;
  start: Checkpoint;
}

/** A record dated this much before one that precedes it was copied from elsewhere, or dated back. */
const TOLERANCE_MS = 3_600_000;
/** A commit can be this much older than the moment at which it came onto the default branch. */
const LANDING_MS = 30 * 24 * TOLERANCE_MS;

const rules = new WeakMap<Policy, string>();
/** What gates and signatures are judged by, as text; the commit is none of it. */
function rulesOf(policy: Policy): string {
  const { options, allowedSigners } = policy;
  const text = rules.get(policy) ?? canonicalHash({ options, allowedSigners });
  rules.set(policy, text);
  return text;
}

/** The rules that every batch of the ledger must keep; told of the batches in their order. */
export class AuditRules {
  readonly #input: RulesInput;
  readonly #signatures: Signatures;
  readonly #problems: AuditProblem[];
  readonly #used: Set<string>;
  /** By stage, then by nonce, newest first. */
  readonly #approvals = new Map<string, Map<string, Entry<Approved>[]>>();
  #newest: string;

  constructor(input: RulesInput) {
    this.#input = input;
    this.#signatures = new Signatures(input.ledger, input.repositoryIdentity);
    this.#problems = [...input.start.problems];
    this.#used = new Set(input.start.used);
    this.#newest = input.start.newest;
  }

  /** What was found so far. */
  checkpoint(): Pick<Checkpoint, 'problems' | 'newest' | 'used'> {
    return { problems: this.#problems, newest: this.#newest, used: [...this.#used] };
  }

  async judge(batches: PlacedBatch[]): Promise<void> {
    const signatures = await Promise.all(batches.map((placed) => this.#signatureProblem(placed)));
    for (const [i, placed] of batches.entries()) {
      const { path, commit, batch } = placed;
      const found = [signatures[i], this.#timeProblem(placed)];
      for (const record of batch.records) found.push(...(await this.#recordProblems(record, placed)));
      for (const problem of new Set(found)) if (problem) this.#problems.push({ path, commit, problem });
    }
  }

  /** What is wrong with one promotion for itself: its signature, its policy, its approvals. */
  async promotionProblems(record: Promoted, placed: PlacedBatch): Promise<string[]> {
    const signature = await this.#signatureProblem(placed);
    return [...(signature ? [signature] : []), ...(await this.#promotedProblems(record, placed))];
  }

  /** Signed by whom its records name, with a key that the policy of its time allowed and that is not revoked today. */
  async #signatureProblem({ batch }: PlacedBatch): Promise<string | undefined> {
    const { records, signature } = batch;
    if (!signature && this.#input.profile !== 'live' && records.every((record) => record.type !== 'approved'))
      return undefined;
    const signed = await this.#signed(batch, await this.#policyOf(records[0] as LedgerRecord));
    return signed.ok ? undefined : signed.problem;
  }

  #signed({ records, signature }: Batch, policy: Policy): Promise<Signed> {
    return this.#signatures.of(policy, records, signature, new Date((records[0] as LedgerRecord).at));
  }

  /** The policy that a record names, else the one of its day. One that is not on the default branch is found out elsewhere. */
  async #policyOf(record: LedgerRecord): Promise<Policy> {
    const { history } = this.#input;
    const named = 'policy' in record ? await history.at(record.policy) : undefined;
    return named ?? history.asOf(new Date(record.at));
  }

  #timeProblem({ batch }: PlacedBatch): string | undefined {
    if (!batch.signature) return undefined;
    const times = batch.records.map((record) => Date.parse(record.at));
    const newest = Date.parse(this.#newest || '1970-01-01T00:00:00Z');
    if (Math.max(...times) > this.#input.now.getTime() + TOLERANCE_MS) return 'it is dated in the future';
    if (Math.min(...times) < newest - TOLERANCE_MS)
      return 'it is dated before records that were there already';
    this.#newest = new Date(Math.max(newest, ...times)).toISOString();
    return undefined;
  }

  async #recordProblems(record: LedgerRecord, placed: PlacedBatch): Promise<string[]> {
    if (record.type === 'approved') return this.#approvedProblems(record, placed);
    if (record.type === 'promoted') return this.#promotedProblems(record, placed);
    if (record.type === 'deployed' || record.type === 'returned')
      return this.#deployedProblems(record, placed);
    return [];
  }

  /** What serves must have come through the gate of its stage before, with the same digest. */
  #deployedProblems(record: Deployed | Returned, { path }: PlacedBatch): string[] {
    const { state } = this.#input;
    const { stage, name, version, integrity } = record;
    const order = state
      .deployments(stage, name)
      .find((one) => one.batch === path && one.record.version === version)?.order;
    const entered = state
      .history(stage, name)
      .some((one) => one.record.integrity === integrity && one.order < (order ?? Infinity));
    return entered ? [] : [`${name}@${version}: deployed to ${stage} without a promotion of ${integrity}`];
  }

  async #approvedProblems(record: Approved, { path, commit }: PlacedBatch): Promise<string[]> {
    const { ledger, history } = this.#input;
    const found: string[] = [];
    const first = this.#approvalsWith(record.stage, record.nonce).at(-1);
    if (first && first.batch !== path) found.push(`its nonce was used before, in ${first.batch}`);
    const { ledgerHead } = record;
    if (ledgerHead !== null && !(await ledger.isAncestor(ledgerHead, commit)))
      found.push(
        `the ledger was rewritten: ${ledgerHead}, which it names as the head, is not in the history before it`,
      );
    if (ledgerHead === null && first?.batch === path && first.order > 0)
      found.push('the ledger was rewritten: it was signed for an empty one');
    if (!(await history.at(record.policy)))
      found.push(`its policy ${record.policy} is not on the default branch`);
    return found;
  }

  async #promotedProblems(record: Promoted, placed: PlacedBatch): Promise<string[]> {
    const policy = await this.#input.history.at(record.policy);
    const found = this.#usedUp(record);
    if (!policy) found.push(`its policy ${record.policy} is not on the default branch`);
    else found.push(...(await this.#entryProblems(record, placed, policy)));
    if (policy && found.length === 0) found.push(...(await this.#datedBack(record, placed, policy)));
    return found.map((problem) => `${record.name}@${record.version}: ${problem}`);
  }

  #usedUp({ approvals, name, version }: Promoted): string[] {
    const uses = approvals.map((nonce) => ({ nonce, use: `${nonce} ${name}@${version}` }));
    const again = uses.filter(({ use }) => this.#used.has(use));
    for (const { use } of uses) this.#used.add(use);
    return again.map(({ nonce }) => `its approval ${nonce} was used up before`);
  }

  /**
   * A record names its policy and its time itself. So it must be of a time at which its artifact was there, and where the default
   * branch had other rules by then, these must let it in as well: else rules that hold no more would open every gate.
   */
  async #datedBack(record: Promoted, placed: PlacedBatch, named: Policy): Promise<string[]> {
    const { profile, state, history } = this.#input;
    if (profile !== 'live') return [];
    const at = Date.parse(record.at);
    const published = state.published(record.name, record.version)?.record;
    if (published && at < Date.parse(published.at) - TOLERANCE_MS)
      return ['it is dated before its publication'];
    const found: string[] = [];
    for (const instant of [at, at - LANDING_MS]) {
      const policy = await history.asOf(new Date(instant));
      if (rulesOf(policy) === rulesOf(named)) return [];
      const signed = await this.#signed(placed.batch, policy);
      const problems = await this.#entryProblems(record, placed, policy);
      if (!signed.ok) problems.unshift(signed.problem);
      if (problems.length === 0) return [];
      found.push(
        `its policy ${record.policy} did not hold any more; by that of its day, ${problems.join('; ')}`,
      );
    }
    return found.slice(0, 1);
  }

  /** What of the policy's gate a promotion did not keep. */
  async #entryProblems(record: Promoted, placed: PlacedBatch, policy: Policy): Promise<string[]> {
    const gate = this.#gateOf(policy, record.stage);
    if (typeof gate === 'string') return [gate];
    const found: string[] = [];
    const people: Identity[] = [];
    for (const nonce of record.approvals) {
      const person = await this.#approver(nonce, record, placed, policy, gate);
      if (typeof person === 'string') found.push(`its approval ${nonce} does not count: ${person}`);
      else if (!people.some((one) => sameIdentity(one, person))) people.push(person);
    }
    const behind = await this.#behind(record, placed, policy, gate);
    if (typeof behind === 'string') found.push(behind);
    for (const user of typeof behind === 'object' ? behind.approvals : []) {
      const person = userOf(identities(policy.allowedSigners), user);
      const { from } = approvalOptions(gate ?? {});
      if (from && !isOneOf(person, from)) continue;
      if (!people.some((one) => sameIdentity(one, person))) people.push(person);
    }
    const asked = this.#asked(gate, typeof behind === 'object');
    if (people.length < asked) found.push(`entered with ${people.length} of ${asked} approvals`);
    return found;
  }

  /** The environment of the gate that the job which recorded the promotion was behind, or what is wrong with it. */
  async #behind(
    { environment }: Promoted,
    { batch }: PlacedBatch,
    policy: Policy,
    gate: GateOptions | undefined,
  ): Promise<EnvironmentRun | string | undefined> {
    if (!environment || this.#input.profile !== 'live') return undefined;
    const signed = await this.#signed(batch, policy);
    if (!signed.ok || !signed.job) return 'it names an environment, but no job signed it';
    const { job } = signed;
    if (!sameEnvironment(job.environment ?? '', environment.name) || job.run_id !== environment.run)
      return `it names run ${environment.run} behind ${environment.name}, but run ${job.run_id} behind ${job.environment ?? 'no environment'} signed it`;
    if (job.run_attempt !== environment.attempt)
      return `it names attempt ${environment.attempt} of run ${environment.run}, but attempt ${job.run_attempt} signed it`;
    if (!gate?.environment || !sameEnvironment(gate.environment, environment.name)) return undefined;
    const wanted = environmentOptions(policy.options.github.environments, environment.name);
    if (wanted.reviewers?.length && reviewsOf(wanted, environment.approvals).length === 0)
      return `it names nobody who let run ${environment.run} into ${environment.name}, and its policy gives that reviewers`;
    return environment;
  }

  #asked(gate: GateOptions | undefined, behind: boolean): number {
    if (!gate) return 0;
    const { count } = approvalOptions(gate);
    return gate.environment && !behind && this.#input.profile === 'live' ? Math.max(count, 1) : count;
  }

  /** A stage that only the work tree had may have been judged by that, but not in the live profile. */
  #gateOf(policy: Policy, stage: string): GateOptions | undefined | string {
    try {
      return policy.stage(stage);
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      return this.#input.profile === 'live' ? `its policy has no stage ${stage}` : undefined;
    }
  }

  /** Who gave the approval, or why it did not count for this promotion. */
  async #approver(
    nonce: string,
    record: Promoted,
    { path }: PlacedBatch,
    policy: Policy,
    gate: GateOptions | undefined,
  ): Promise<Identity | string> {
    const { ledger, state } = this.#input;
    const entry = this.#approvalsWith(record.stage, nonce).at(-1);
    if (!entry) return 'it is not in the ledger';
    const approval = entry.record;
    const promoted = state
      .history(record.stage, record.name)
      .find((one) => one.batch === path && one.record.version === record.version);
    if (promoted && promoted.order < entry.order) return 'it was given afterwards';
    const at = new Date(record.at);
    const { pipeline, repository, stage, registry } = record;
    const problem = fieldProblem(approval, {
      pipeline,
      repository,
      stage,
      registry,
      item: record,
      now: at,
      spent: new Set(),
    });
    if (problem) return problem;
    const signed = await this.#signed(await ledger.batch(entry.batch), policy);
    if (!signed.ok) return signed.problem;
    const person = approverOf(identities(policy.allowedSigners), signed, approval);
    if (typeof person === 'string') return person;
    const { from } = gate ? approvalOptions(gate) : {};
    return from && !isOneOf(person, from) ? 'its signer may not approve for this stage' : person;
  }

  /** All approvals of a stage with this nonce, newest first: more than one where somebody copied it. */
  #approvalsWith(stage: string, nonce: string): Entry<Approved>[] {
    const known = this.#approvals.get(stage);
    if (known) return known.get(nonce) ?? [];
    const entries = Map.groupBy(this.#input.state.approvals(stage), ({ record }) => record.nonce);
    this.#approvals.set(stage, entries);
    return entries.get(nonce) ?? [];
  }
}
