import { canonicalJson } from '../foundation/index.ts';
import type { Batch, Ledger } from '../ledger/types.ts';
import { thumbprint, type Issuer, type JobRules, type JWK } from '../oidc/index.ts';
import { verifyJobSignature } from '../signing/index.ts';
import { Memory } from './memory.ts';

/** Batches that are asked to vouch for one retired key, newest first. */
const WITNESSES = 8;

/**
 * The keys that an issuer signs with, and those that it signed with before: a key that it serves no more is trusted if a
 * job that may sign saw it being served, and signed that it did with a key that is trusted. So old batches stay
 * provable after the issuer has changed its keys, and a key that somebody made up never is.
 */
export class KeyHistory {
  readonly #ledger: Ledger;
  readonly #rules: JobRules;
  readonly #issuer: Issuer;
  readonly #known = new Memory<boolean>();

  constructor(ledger: Ledger, rules: JobRules, issuer: Issuer) {
    this.#ledger = ledger;
    this.#rules = rules;
    this.#issuer = issuer;
  }

  /** @throws OIDC_ISSUER_UNREACHABLE, OIDC_ISSUER_INVALID */
  has(key: string): Promise<boolean> {
    return this.#has(key, new Set());
  }

  async #has(key: string, asking: ReadonlySet<string>): Promise<boolean> {
    if ((await this.#issuer.keys()).has(key)) return true;
    // Keys may vouch for each other in a circle.
    if (asking.has(key)) return false;
    const look = async () =>
      (await this.#vouchedFor(key, new Set([...asking, key]))) || (await this.#issuer.keys('fresh')).has(key);
    return asking.size === 0 ? this.#known.of(key, look) : look();
  }

  async #vouchedFor(key: string, asking: ReadonlySet<string>): Promise<boolean> {
    for (const { records, signature } of await this.#witnesses(key)) {
      if (signature?.format !== 'oidc' || !signature.seen.includes(key)) continue;
      const own = await thumbprint(signature.key as JWK).catch(() => key);
      if (own === key) continue;
      const vouched = await verifyJobSignature({
        data: canonicalJson(records),
        signature,
        rules: this.#rules,
        at: new Date(records[0]?.at ?? 0),
        trusted: (one) => this.#has(one, asking),
      });
      if (vouched.ok) return true;
    }
    return false;
  }

  /** Batches that name the key, and that another key signed. */
  async #witnesses(key: string): Promise<Batch[]> {
    const { head } = await this.#ledger.state();
    if (head === null || !/^[\w-]{43}$/.test(key)) return [];
    const { code, stdout } = await this.#ledger.repository.call([
      'grep',
      '--name-only',
      '--full-name',
      '--fixed-strings',
      '-e',
      `"${key}"`,
      head,
      '--',
      'records',
    ]);
    if (code !== 0) return [];
    const paths = stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.slice(head.length + 1))
      .sort();
    const found: Batch[] = [];
    for (const path of paths.toReversed()) {
      const batch = await this.#ledger.batch(path);
      if (batch.signature?.format !== 'oidc') continue;
      if ((await thumbprint(batch.signature.key as JWK).catch(() => key)) !== key) found.push(batch);
      if (found.length === WITNESSES) break;
    }
    return found;
  }
}
