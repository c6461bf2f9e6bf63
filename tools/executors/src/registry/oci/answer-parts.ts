import type { Response } from './http.ts';

/** The address of the next page (`Link: <...>; rel="next"`), undefined on the last one. */
export function nextPage(response: Pick<Response, 'headers' | 'url'>): string | undefined {
  const link = response.headers['link'];
  const [, target] = /<([^>]+)>\s*;[^,]*rel="?next"?/i.exec(String(link ?? '')) ?? [];
  return target === undefined ? undefined : new URL(target, response.url).href;
}

/** The first value of a header of an answer. */
export function header({ headers }: Pick<Response, 'headers'>, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** The JSON of a body; undefined where it is none. */
export function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}
