import { createHash } from 'node:crypto';

/** One person (or machine) of the approvers' file: all names and keys that its lines tie together. */
export interface Identity {
  /** Names and patterns, as they stand in the file. */
  principals: string[];
  /** `SHA256:...`, as `ssh-keygen -l` prints them. */
  fingerprints: string[];
}

/**
 * The persons behind an allowed signers file. Lines that share a key or a name are one person: who signs once as
 * each of two names has still approved only once.
 */
export function identities(allowedSigners: string): Identity[] {
  const found: Identity[] = [];
  for (const line of allowedSigners.split('\n')) {
    const parsed = parseLine(line);
    if (!parsed) continue;
    const same = found.filter((one) => sharesName(one, parsed) || sharesKey(one, parsed));
    const merged = [...same, parsed].reduce(union);
    for (const one of same) found.splice(found.indexOf(one), 1);
    found.push(merged);
  }
  return found;
}

/** The person who signed as `principal` with this key; one of its own where the file ties the two to nobody. */
export function identityOf(all: Identity[], principal: string, fingerprint: string): Identity {
  const signer = { principals: [principal], fingerprints: [fingerprint] };
  return all.filter((one) => sharesName(one, signer) || sharesKey(one, signer)).reduce(union, signer);
}

/** Whether any of the names (e-mail addresses, usually) is one of this person's; patterns match as OpenSSH's do. */
export function isOneOf(identity: Identity, names: Iterable<string>): boolean {
  const patterns = identity.principals.map(toExpression);
  return [...names].some((name) => patterns.some((pattern) => pattern.test(name)));
}

export function sameIdentity(a: Identity, b: Identity): boolean {
  return sharesName(a, b) || sharesKey(a, b);
}

/** Fingerprint of the key inside an armored SSH signature; undefined where it is none. Format: PROTOCOL.sshsig. */
export function signatureFingerprint(armored: string): string | undefined {
  const body = /-----BEGIN SSH SIGNATURE-----([\s\S]+?)-----END SSH SIGNATURE-----/.exec(armored)?.[1];
  const bytes = Buffer.from(body ?? '', 'base64');
  if (bytes.length < 14 || bytes.toString('latin1', 0, 6) !== 'SSHSIG') return undefined;
  const length = bytes.readUInt32BE(10);
  if (bytes.length < 14 + length) return undefined;
  return fingerprint(bytes.subarray(14, 14 + length));
}

function fingerprint(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

function parseLine(line: string): Identity | undefined {
  const match = /^\s*(?:"([^"]*)"|([^\s#"]\S*))\s+(?:.*\s)?(?:ssh-|ecdsa-|sk-)\S+\s+([A-Za-z0-9+/=]{40,})/.exec(line);
  const key = match?.[3];
  if (!match || !key) return undefined;
  const names = match[1] ?? match[2] ?? '';
  return {
    principals: names.split(',').filter((name) => name !== ''),
    fingerprints: [fingerprint(Buffer.from(key, 'base64'))],
  };
}

function sharesName(a: Identity, b: Identity): boolean {
  const names = new Set(a.principals.map((name) => name.toLowerCase()));
  return b.principals.some((name) => names.has(name.toLowerCase()));
}

function sharesKey(a: Identity, b: Identity): boolean {
  return b.fingerprints.some((key) => a.fingerprints.includes(key));
}

function union(a: Identity, b: Identity): Identity {
  return {
    principals: [...new Set([...a.principals, ...b.principals])],
    fingerprints: [...new Set([...a.fingerprints, ...b.fingerprints])],
  };
}

function toExpression(pattern: string): RegExp {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`, 'i');
}
