import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

export interface Rights {
  /** Why a request is refused: the `WWW-Authenticate` to answer with; undefined where it may go on. */
  challenge(request: IncomingMessage, repository: string, write: boolean): string | undefined;
  /** What the token service answers; undefined for wrong credentials. */
  token(request: IncomingMessage, query: URLSearchParams): { token: string; expires_in: number } | undefined;
}
export interface RightsOptions {
  user: string;
  password: string;
  /** Bearer tokens as most registries have them (anonymous ones read), or Basic. */
  scheme: 'bearer' | 'basic';
  /** Whether reading needs a login too. */
  privately: boolean;
}

const SECONDS = 300;

/**
 * Writing is for who knows the password. Bearer by default: docker's client, once challenged with Basic, does not even read
 * without credentials, while it fetches anonymous tokens by itself.
 */
export function rightsOf({ user, password, scheme, privately }: RightsOptions): Rights {
  const key = randomBytes(32);
  const sign = (text: string): string => createHmac('sha256', key).update(text).digest('base64url');
  const same = (a: string, b: string): boolean => {
    const [one, two] = [a, b].map((text) => createHmac('sha256', key).update(text).digest());
    return timingSafeEqual(one!, two!);
  };
  const wanted = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  const isKnown = (request: IncomingMessage): boolean => same(request.headers.authorization ?? '', wanted);

  /** Scopes (`repository:<name>:<actions>`) of a token of ours that is still good. */
  function scopesOf(request: IncomingMessage): string[] | undefined {
    const [, body = '', signature = ''] =
      /^Bearer ([\w-]+)\.([\w-]+)$/.exec(request.headers.authorization ?? '') ?? [];
    if (!same(sign(body), signature)) return undefined;
    const { scopes, until } = JSON.parse(Buffer.from(body, 'base64url').toString()) as {
      scopes: string[];
      until: number;
    };
    return until > Date.now() ? scopes : undefined;
  }

  return {
    challenge(request, repository, write) {
      if (scheme === 'basic')
        return isKnown(request) || (!write && !privately) ? undefined : 'Basic realm="images"';
      const scopes = scopesOf(request);
      const action = write ? 'push' : 'pull';
      const may =
        repository === ''
          ? scopes !== undefined
          : scopes?.some((scope) => {
              const [, name, actions = ''] = /^repository:(.*):([a-z,*]+)$/.exec(scope) ?? [];
              return name === repository && actions.split(',').includes(action);
            });
      if (may || (repository !== '' && !write && !privately)) return undefined;
      const scope =
        repository === '' ? '' : `,scope="repository:${repository}:${write ? 'pull,push' : 'pull'}"`;
      return `Bearer realm="http://${request.headers.host}/token",service="${request.headers.host}"${scope}`;
    },
    token(request, query) {
      const anonymous = request.headers.authorization === undefined;
      if (!anonymous && !isKnown(request)) return undefined;
      const scopes = query
        .getAll('scope')
        .flatMap((scope) => scope.split(' '))
        .flatMap((scope) => (anonymous ? (privately ? [] : scope.replace(/:[^:]*$/, ':pull')) : scope));
      const body = Buffer.from(JSON.stringify({ scopes, until: Date.now() + SECONDS * 1000 })).toString(
        'base64url',
      );
      return { token: `${body}.${sign(body)}`, expires_in: SECONDS };
    },
  };
}
