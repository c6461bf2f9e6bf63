import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';

/** RFC 8785 canonical JSON: what is signed and hashed, so that two writers of the same record agree. */
export function canonicalJson(value: unknown): string {
  const text = (canonicalize as unknown as (v: unknown) => string | undefined)(
    JSON.parse(JSON.stringify(value)),
  );
  if (text === undefined) throw new TypeError('a value without a JSON form cannot be signed');
  return text;
}

/** Lower-case hex sha256 of the canonical JSON of a value. */
export function canonicalHash(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}
