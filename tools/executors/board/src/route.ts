/** Where on the board somebody is, as the part of the address after `#`: what is sent to somebody else shows the same. */
export interface Route {
  view: 'flow' | 'graph' | 'timeline' | 'artifact';
  /** Search text. */
  text: string;
  /** Narrowing of the flow. */
  show: string;
  /** The cell that is open, or the project that the graph is about. */
  name: string;
  stage: string;
  /** Of the artifact. */
  version: string;
  /** Kind of event. */
  type: string;
}

const EMPTY: Route = { view: 'flow', text: '', show: 'all', name: '', stage: '', version: '', type: '' };
const VIEWS = ['flow', 'graph', 'timeline', 'artifact'] as const;

export function parseRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const view = VIEWS.find((one) => one === path) ?? 'flow';
  const given = new URLSearchParams(query);
  const route: Route = { ...EMPTY, view };
  for (const key of ['text', 'show', 'name', 'stage', 'version', 'type'] as const)
    route[key] = given.get(key) ?? EMPTY[key];
  return route;
}

export function formatRoute(route: Partial<Route>): string {
  const { view = 'flow', ...rest } = route;
  const query = new URLSearchParams(
    Object.entries(rest).filter(([key, value]) => value && value !== EMPTY[key as keyof Route]) as [
      string,
      string,
    ][],
  ).toString();
  return `#/${view}${query ? `?${query}` : ''}`;
}
