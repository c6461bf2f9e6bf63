import type { LocalRegistry } from '../index.ts';

interface Call {
  method?: string;
  token?: string;
  body?: unknown;
}

/** A plain request to a registry, as no client of ours makes it. */
export function call(
  registry: LocalRegistry,
  path: string,
  { method, token, body }: Call = {},
): Promise<Response> {
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  if (token) headers['authorization'] = `Bearer ${token}`;
  return fetch(`${registry.url}${path}`, {
    method,
    headers,
    body: body === undefined ? undefined : JSON.stringify(body),
  });
}

/** Publishes version 1.0.0 of a scoped package by hand. */
export function publish(registry: LocalRegistry, name: string, token?: string): Promise<Response> {
  const file = `${name}-1.0.0.tgz`;
  const data = Buffer.from('the bytes of a tarball').toString('base64');
  const body = {
    _id: name,
    name,
    'dist-tags': { latest: '1.0.0' },
    versions: { '1.0.0': { name, version: '1.0.0', dist: { tarball: `${registry.url}/${name}/-/${file}` } } },
    _attachments: { [file]: { content_type: 'application/octet-stream', data, length: 22 } },
  };
  return call(registry, `/${name.replace('/', '%2f')}`, { method: 'PUT', token, body });
}
