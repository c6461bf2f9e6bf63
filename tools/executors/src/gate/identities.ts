import { principalsOf } from '../signing/index.ts';

/** One person (or machine) of the approvers' file: all names and keys that its lines tie together. */
export interface Identity {
  /** Names and patterns, as they stand in the file. */
  principals: string[];
  /** Public keys, the base64 part. */
  keys: string[];
}

/**
 * The persons behind an allowed signers file. Lines that share a key or a name are one person: who signs once as
 * each of two names has still approved only once.
 */
export function identities(allowedSigners: string): Identity[] {
  const found: Identity[] = [];
  for (const { principals, key } of principalsOf(allowedSigners)) {
    const line = { principals, keys: [key.split(' ')[1] ?? ''] };
    const same = found.filter((one) => sameIdentity(one, line));
    const merged = [...same, line].reduce(union);
    for (const one of same) found.splice(found.indexOf(one), 1);
    found.push(merged);
  }
  return found;
}

/** The person who signed as `principal` with this key ('' for none); one of its own where the file ties the two to nobody. */
export function identityOf(all: Identity[], signer: { principal: string; key: string }): Identity {
  const alone = { principals: [signer.principal], keys: signer.key === '' ? [] : [signer.key] };
  return all.filter((one) => sameIdentity(one, alone)).reduce(union, alone);
}

/** Whether any of the names (e-mail addresses, usually) is one of this person's; patterns match as OpenSSH's do. */
export function isOneOf(identity: Identity, names: Iterable<string>): boolean {
  const patterns = identity.principals.map(toExpression);
  return [...names].some((name) => patterns.some((pattern) => pattern.test(name)));
}

/** Whether two share a name or a key. */
export function sameIdentity(a: Identity, b: Identity): boolean {
  const names = new Set(a.principals.map((name) => name.toLowerCase()));
  return (
    b.principals.some((name) => names.has(name.toLowerCase())) || b.keys.some((key) => a.keys.includes(key))
  );
}

function union(a: Identity, b: Identity): Identity {
  return {
    principals: [...new Set([...a.principals, ...b.principals])],
    keys: [...new Set([...a.keys, ...b.keys])],
  };
}

function toExpression(pattern: string): RegExp {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`, 'i');
}
