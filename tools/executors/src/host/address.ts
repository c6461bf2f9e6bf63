import { errors } from '../foundation/index.ts';

/** Where a host is, as the options name it. */
export interface Address {
  user: string | undefined;
  host: string;
  port: number | undefined;
}

/** `host`, `user@host`, `user@host:port`, `user@[::1]:port` or `ssh://user@host:port`; a `Host` alias of ssh's config too. */
const FORM = /^(?:ssh:\/\/)?(?:([^@\s/]+)@)?(\[[0-9a-f:.%]+\]|[^@:\s/[\]]+)(?::(\d{1,5}))?\/?$/i;
/** ssh itself refuses users and hosts that a shell could take for code; we say so before it is started. */
const WORD = /^[a-z0-9_][a-z0-9_.%:-]*$/i;

/** @throws HOST_NAME_INVALID also for what ssh would take for an option. */
export function parseAddress(name: string): Address {
  const [, user, host = '', port] = FORM.exec(name) ?? [];
  const bare = host.replace(/^\[|\]$/g, '');
  const fits = (text: string) => WORD.test(text) || /^[0-9a-f:.]+$/i.test(text);
  if (
    bare === '' ||
    !fits(bare) ||
    (user !== undefined && !WORD.test(user)) ||
    Number(port ?? 22) > 65_535 ||
    port === '0'
  ) {
    throw errors.HOST_NAME_INVALID({ host: name });
  }
  return { user, host: bare, port: port === undefined ? undefined : Number(port) };
}

/** As a person types it behind `ssh`. */
export function destination(address: Address): string {
  const user = address.user === undefined ? '' : `${address.user}@`;
  return `${address.port === undefined ? '' : `-p ${address.port} `}${user}${address.host}`;
}
