import { errors } from '../../foundation/index.ts';

/** The scope of the sample packages and services. */
export const SAMPLE = '@acme';

/** npm's own rule for a scope; GitHub's owners are a part of that. */
const SPELLING = /^@[a-z0-9][a-z0-9._-]{0,99}$/;

/**
 * A scope as it stands before a package's name.
 * @throws SCOPE_SPELLING
 */
export function scopeNamed(said: string): string {
  const scope = said.trim().replace(/^@?/, '@');
  if (!SPELLING.test(scope)) throw errors.SCOPE_SPELLING({ said });
  return scope;
}

/**
 * A file's text with the packages of one scope under another: imports, dependencies, the lock file, patterns and addresses that
 * name a package, and the image repository. Addresses of people (`ada@acme.example`) stay.
 */
export function rescoped(text: string, from: string, to: string): string {
  const [bare, other] = [from.slice(1), to.slice(1)];
  return text
    .replaceAll(new RegExp(`(?<![\\w.-])${escaped(from)}(?=[/'"\`\\\\%:])`, 'g'), to)
    .replaceAll(new RegExp(`\\bghcr\\.io/${escaped(bare)}(?![\\w.-])`, 'g'), `ghcr.io/${imagePart(other)}`)
    .replaceAll(
      new RegExp(`^(\\s*image: )${escaped(bare)}/`, 'gm'),
      (_, key: string) => `${key}${imagePart(other)}/`,
    );
}

/** Image repositories have no name that begins or ends with a mark, nor two of them in a row. */
const imagePart = (name: string): string => name.replaceAll(/[._-]+/g, '-').replaceAll(/^-|-$/g, '');
const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
