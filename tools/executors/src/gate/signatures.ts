import { canonicalJson } from '../foundation/index.ts';
import type { Ledger, LedgerRecord, Signature } from '../ledger/types.ts';
import { issuerAt, type JobClaims, type JobRules } from '../oidc/index.ts';
import { readSshSignature, verifyJobSignature, verifySignature } from '../signing/index.ts';
import { KeyHistory } from './key-history.ts';
import { Memory } from './memory.ts';
import type { Policy } from './policy.ts';

/** Who signed: a person by a key, or a CI job by a token of its own. */
export type Signed =
  { ok: true; principal: string; key: string; job?: JobClaims } | { ok: false; problem: string };
export type SigningPolicy = Pick<Policy, 'allowedSigners' | 'revoked' | 'branch' | 'options'>;

/** Judges the signatures of a ledger's batches, in whichever format they are. Remembers what it found. */
export class Signatures {
  readonly #ledger: Ledger;
  readonly #identity: string;
  readonly #histories = new Map<string, KeyHistory>();
  readonly #found = new Memory<Signed>();

  /** `identity` is the repository's, as the ledger names it. */
  constructor(ledger: Ledger, identity: string) {
    this.#ledger = ledger;
    this.#identity = identity;
  }

  /** Whether records are signed by whom they name, as the policy allows; valid at an instant. */
  async of(
    policy: SigningPolicy,
    records: readonly LedgerRecord[],
    signature: Signature | null,
    at: Date,
  ): Promise<Signed> {
    if (!signature) return no('it is not signed');
    const { principal } = signature;
    const stranger = records.find((record) => record.by !== principal);
    if (stranger) return no(`it names ${stranger.by}, but ${principal} signed it`);
    const data = canonicalJson(records);
    if (signature.format === 'oidc') return this.#byJob(policy, data, signature, at);
    const { allowedSigners, revoked } = policy;
    const verified = await verifySignature({ data, signature, allowedSigners, revoked, at });
    if (!verified.ok) return no(verified.detail);
    return { ok: true, principal, key: readSshSignature(signature.value)?.key ?? '' };
  }

  #byJob(
    policy: SigningPolicy,
    data: string,
    signature: Extract<Signature, { format: 'oidc' }>,
    at: Date,
  ): Promise<Signed> {
    const rules = jobRules(policy, this.#identity);
    return this.#found.of(JSON.stringify([rules, signature.value, data]), async () => {
      const trusted = (thumbprint: string) => this.#history(rules).has(thumbprint);
      const verified = await verifyJobSignature({ data, signature, rules, at, trusted });
      if (!verified.ok) return no(verified.problem);
      return { ok: true, principal: signature.principal, key: '', job: verified.claims };
    });
  }

  #history(rules: JobRules): KeyHistory {
    const name = JSON.stringify(rules);
    const history = this.#histories.get(name) ?? new KeyHistory(this.#ledger, rules, issuerAt(rules.issuer));
    this.#histories.set(name, history);
    return history;
  }
}

/** The jobs that may sign under a policy. */
export function jobRules(
  { options, branch }: Pick<Policy, 'options' | 'branch'>,
  identity: string,
): JobRules {
  const { issuer, repository, workflows, branches } = options.github;
  return {
    issuer,
    repository: repository ?? /^github\.com\/([^/]+\/[^/]+)$/.exec(identity)?.[1],
    workflows,
    branches: [branch, ...branches],
  };
}

const no = (problem: string): Signed => ({ ok: false, problem });
