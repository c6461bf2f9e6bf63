import { AsyncLocalStorage } from 'node:async_hooks';

export interface Requests {
  /** All of them, redirections and those for tokens among them. */
  all: number;
  /** Those that read or write manifests, tags and lists of referrers. */
  manifests: number;
}
interface Counter {
  requests: Requests;
  /** Who counts around it. */
  outer: Counter | undefined;
}
const current = new AsyncLocalStorage<Counter>();

/** Counts the requests that `work` causes, whatever else uses the same connections meanwhile. */
export async function tally<T>(work: () => Promise<T>): Promise<{ result: T; requests: Requests }> {
  const counter: Counter = { requests: { all: 0, manifests: 0 }, outer: current.getStore() };
  return { result: await current.run(counter, work), requests: counter.requests };
}

/** One request more, for everybody who counts. */
export function counted(path: string): void {
  const manifest = /\/(manifests|referrers|tags)\//.test(path);
  for (let counter = current.getStore(); counter !== undefined; counter = counter.outer) {
    counter.requests.all += 1;
    if (manifest) counter.requests.manifests += 1;
  }
}
