import type { Approved } from '../ledger/types.ts';
import { identityOf, type Identity } from './identities.ts';
import type { Signed } from './signatures.ts';

/** Prefix of a GitHub user in the approvers' file and in a gate's `from`. */
const GITHUB = 'github:';

/** The person who gave an approval, or why nobody did. */
export function approverOf(
  all: Identity[],
  signed: Extract<Signed, { ok: true }>,
  { user }: Pick<Approved, 'user'>,
): Identity | string {
  if (!signed.job) return identityOf(all, signed);
  // A job approves nothing of its own: it can only witness what a person wrote.
  return user ? userOf(all, user) : 'a CI job signed it, for no person';
}

/** The person behind a user of GitHub: the line of the approvers' file that names the user, else the user alone. */
export function userOf(all: Identity[], { login, id }: { login: string; id: number }): Identity {
  const user = identityOf(all, { principal: GITHUB + login, key: '' });
  const addresses = [`${login}@users.noreply.github.com`, `${id}+${login}@users.noreply.github.com`];
  return { ...user, principals: [...user.principals, ...addresses] };
}

/** How records and messages name a user of GitHub. */
export const userName = (login: string): string => GITHUB + login;

/** Logins that an identity has on GitHub. */
export function loginsOf({ principals }: Identity): string[] {
  return principals.filter((name) => name.startsWith(GITHUB)).map((name) => name.slice(GITHUB.length));
}
