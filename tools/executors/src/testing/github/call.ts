import type { Operation } from './operations.ts';
import type { State } from './state.ts';

/** One request that the server has taken apart and checked. */
export interface Call {
  operation: Operation;
  params: Record<string, string>;
  query: URLSearchParams;
  body: Record<string, unknown>;
  raw: Buffer;
  contentType: string;
  /** Who asks. */
  login: string;
  state: State;
  owner: string;
  repo: string;
  /** Address of the server. */
  url: string;
  now: string;
  id(): number;
}
export interface Answer {
  status: number;
  /** As far as it matters; the description's other fields are filled in. */
  body?: unknown;
  headers?: Record<string, string>;
}
export type Handler = (call: Call) => Answer;
export type Handlers = Partial<Record<Operation, Handler>>;

export const ok = (body: unknown, status = 200): Answer => ({ status, body });
export const refused = (status: number, message: string, errors?: unknown[]): Answer => ({
  status,
  body: {
    message,
    documentation_url: 'https://docs.github.com/rest',
    status: String(status),
    ...(errors ? { errors } : {}),
  },
});
export const notFound = (): Answer => refused(404, 'Not Found');

/** One page of a list, with the link to the next; `wrap` where GitHub counts what it lists. */
export function page<T>(call: Call, all: T[], shape: (one: T) => unknown, wrap?: string): Answer {
  const size = Number(call.query.get('per_page') ?? 30);
  const number = Number(call.query.get('page') ?? 1);
  const items = all.slice((number - 1) * size, number * size).map(shape);
  const next = new URLSearchParams(call.query);
  next.set('page', String(number + 1));
  const path = Object.entries(call.params).reduce(
    (text, [name, value]) => text.replace(`{${name}}`, encodeURIComponent(value)),
    call.operation.split(' ')[1] ?? '',
  );
  return {
    status: 200,
    body: wrap === undefined ? items : { total_count: all.length, [wrap]: items },
    ...(number * size < all.length ? { headers: { link: `<${call.url}${path}?${next}>; rel="next"` } } : {}),
  };
}

export function userOf(call: Call, login: string): Record<string, unknown> {
  const known = call.state.users[login];
  return {
    login,
    id: known?.id ?? 1,
    type: known?.type ?? 'User',
    html_url: `https://github.com/${login}`,
    url: `${call.url}/users/${login}`,
  };
}

/** As text where the body has it, else what is said. */
export function text(value: unknown, other = ''): string {
  return typeof value === 'string' ? value : other;
}
