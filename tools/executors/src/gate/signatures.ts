import { canonicalHash, canonicalJson } from '../foundation/index.ts';
import type { Ledger, LedgerRecord, Signature } from '../ledger/types.ts';
import { issuerAt, jobIsAside, type Issuer, type JobClaims, type JobRules } from '../oidc/index.ts';
import { readSshSignature, verifyJobSignature, verifySignature } from '../signing/index.ts';
import { KeyHistory } from './key-history.ts';
import { Memory } from './memory.ts';
import { settingsOf } from '../workflows/settings.ts';
import type { Policy } from './policy.ts';

/** Who signed: a person by a key, or a CI job by a token of its own. */
export type Signed =
  { ok: true; principal: string; key: string; job?: JobClaims } | { ok: false; problem: string };
export type SigningPolicy = Pick<
  Policy,
  'allowedSigners' | 'revoked' | 'formerKeys' | 'branch' | 'options' | 'commit'
>;

/** Judges the signatures of a ledger's batches, in whichever format they are. Remembers what it found. */
export class Signatures {
  readonly #ledger: Ledger;
  readonly #identity: string;
  readonly #issuers: (url: string) => Issuer;
  readonly #histories = new Map<string, KeyHistory>();
  readonly #found = new Memory<Signed>();

  /** `identity` is the repository's, as the ledger names it. */
  constructor(ledger: Ledger, identity: string, issuers: (url: string) => Issuer = issuerAt) {
    this.#ledger = ledger;
    this.#issuers = issuers;
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
    if (signature.format === 'oidc') return this.#byJob(policy, records, data, signature, at);
    const { allowedSigners, revoked } = policy;
    const verified = await verifySignature({ data, signature, allowedSigners, revoked, at });
    if (!verified.ok) return no(verified.detail);
    return { ok: true, principal, key: readSshSignature(signature.value)?.key ?? '' };
  }

  #byJob(
    policy: SigningPolicy,
    records: readonly LedgerRecord[],
    data: string,
    signature: Extract<Signature, { format: 'oidc' }>,
    at: Date,
  ): Promise<Signed> {
    const rules = jobRules(policy, this.#identity);
    return this.#found.of(canonicalHash([policy.commit, rules, signature.value, data]), async () => {
      const trusted = (thumbprint: string) =>
        policy.formerKeys.includes(thumbprint) || this.#history(rules).has(thumbprint);
      const verified = await verifyJobSignature({ data, signature, rules, at, trusted });
      if (!verified.ok) return no(verified.problem);
      if (jobIsAside(verified.claims, rules)) {
        const beyond = records.map((record) => beyondAside(record, policy)).find(Boolean);
        if (beyond) return no(`a job on ${verified.claims.ref} signed it, and ${beyond}`);
      }
      return { ok: true, principal: signature.principal, key: '', job: verified.claims };
    });
  }

  #history(rules: JobRules): KeyHistory {
    const name = JSON.stringify(rules);
    const history =
      this.#histories.get(name) ?? new KeyHistory(this.#ledger, rules, this.#issuers(rules.issuer));
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
  const generated = settingsOf(options);
  return {
    issuer,
    repository: repository ?? /^github\.com\/([^/]+\/[^/]+)$/.exec(identity)?.[1],
    workflows,
    branches: [...new Set([branch, ...branches, ...(generated ? [generated.productionBranch] : [])])],
    aside: {
      branches: generated ? [generated.deployBranch] : [],
      pullRequests: generated?.pullRequests ?? false,
    },
  };
}

/** What a job beside the default branch has no say in: it deploys into stages without a gate. */
function beyondAside(record: LedgerRecord, policy: SigningPolicy): string | undefined {
  if (!/^(published|promoted|deployed|deploy-failed|returned|held)$/.test(record.type))
    return `such a job may not record "${record.type}"`;
  if (record.pipeline !== 'services') return `such a job may record services alone, not packages`;
  const gated = record.type === 'promoted' && gates(policy).has(record.stage);
  return gated ? `${record.stage} has a gate` : undefined;
}

function gates({ options }: SigningPolicy): Set<string> {
  return new Set((options.services?.stages ?? []).filter(({ gate }) => gate).map(({ name }) => name));
}

const no = (problem: string): Signed => ({ ok: false, problem });
