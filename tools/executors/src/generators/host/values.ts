import { errors } from '../../foundation/index.ts';
import { parseAddress } from '../../host/index.ts';
import type { ServiceStageOptions } from '../../pipeline/types.ts';

export interface HostSchema {
  host: string;
  user?: string;
  publicKey?: string;
  engine?: 'docker' | 'podman';
  firewall?: 'ufw' | 'none';
  stage?: string;
  backupsTo?: string;
  sshConfig?: string;
}

/** The proxy of `host/phases/proxy.sh`. */
const PROXY = 'caddy:2.10';

/** Each becomes part of a script on the host, so that each is a word there and nothing else. */
const WORDS = {
  user: /^[a-z_][a-z0-9_-]{0,31}$/,
  backupsTo: /^[A-Za-z0-9_./][A-Za-z0-9@._:/-]*$/,
  folder: /^[A-Za-z0-9._/][A-Za-z0-9._/-]*$/,
} as const;

/**
 * The variables of `templates/host/prepare.sh`.
 * @param key a public key's line; undefined where the host needs none
 * @throws HOST_OPTION_INVALID
 */
export function valuesFor(
  schema: HostSchema,
  stage: ServiceStageOptions | undefined,
  key: string | undefined,
): Record<string, string> {
  const { user = 'deploy', engine = 'docker', firewall = 'ufw', backupsTo = '' } = schema;
  const folder = stage?.folder ?? '.sluice';
  const wrong = (option: string, said: string) => errors.HOST_OPTION_INVALID({ option, said });
  if (!WORDS.user.test(user) || user === 'root') throw wrong('user', user);
  if (backupsTo !== '' && !WORDS.backupsTo.test(backupsTo)) throw wrong('backupsTo', backupsTo);
  if (!WORDS.folder.test(folder)) throw wrong('folder', folder);
  const { http = 80, https = 443 } = stage?.ports ?? {};
  const proxied = (stage?.proxy ?? 'caddy') === 'caddy';
  return {
    SLUICE_USER: user,
    SLUICE_KEY: key ?? '',
    SLUICE_ENGINE: engine,
    SLUICE_FIREWALL: firewall,
    SLUICE_PORTS: proxied ? `${http} ${https}` : '',
    SLUICE_FOLDER: folder,
    SLUICE_PROXY: proxied ? PROXY : '',
    SLUICE_BACKUPS_TO: backupsTo,
  };
}

/** The destination of deployments: the same host, with the other user. */
export function deployTarget(host: string, user = 'deploy'): string {
  const { host: name, port } = parseAddress(host);
  const bare = name.includes(':') ? `[${name}]` : name;
  return `${user}@${bare}${port === undefined ? '' : `:${port}`}`;
}

/** A line of authorized_keys without its options: kind, key, comment. Undefined where a text is none. */
export function publicKeyOf(text: string): string | undefined {
  const line = text.split('\n').find((one) => /^(ssh-|ecdsa-|sk-)\S+ [A-Za-z0-9+/=]+( .*)?\r?$/.test(one));
  return line?.trim();
}
