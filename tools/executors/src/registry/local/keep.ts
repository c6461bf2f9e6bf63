import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { VerdaccioConfig } from './config.ts';

/**
 * Whether a registry keeps what was published: its file lets `nobody` unpublish, whatever the package.
 * Verdaccio asks for the same right to deprecate a version, which such a registry must allow: so we tell the two apart.
 */
export function keepsVersions({ packages }: VerdaccioConfig): boolean {
  const patterns = Object.values(packages ?? {});
  return patterns.length > 0 && patterns.every(({ unpublish }) => unpublish === 'nobody');
}

/** The packages' rights with deprecation allowed to whoever may publish; deletions are then refused by `refuseDeletions`. */
export function deprecationRights(packages: VerdaccioConfig['packages']): VerdaccioConfig['packages'] {
  return Object.fromEntries(
    Object.entries(packages ?? {}).map(([pattern, rights]) => [
      pattern,
      { ...rights, unpublish: rights.publish },
    ]),
  );
}

/** A package, a version or a tarball would go away (not a dist-tag or a login). */
export function isDeletion(method = 'GET', url = '/'): boolean {
  if (url.startsWith('/-/')) return false;
  return method === 'DELETE' || (method === 'PUT' && url.includes('/-rev/'));
}

/** Answers deletions with 403 before the registry sees them. */
export function refuseDeletions(server: Server): void {
  const answers = server.listeners('request') as ((
    request: IncomingMessage,
    response: ServerResponse,
  ) => void)[];
  server.removeAllListeners('request');
  server.on('request', (request, response) => {
    if (!isDeletion(request.method, request.url)) {
      for (const answer of answers) answer.call(server, request, response);
      return;
    }
    request.resume();
    response.writeHead(403, { 'content-type': 'application/json' });
    response.end('{"error":"this registry keeps what was published: nobody may unpublish"}');
  });
}
