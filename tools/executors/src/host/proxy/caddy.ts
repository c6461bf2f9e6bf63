import type { ProxyFiles, ProxyInput } from './types.ts';

/** In the container; `$ROOT/proxy` on the host. */
const FOLDER = '/sluice';
/** Requests wait this long for a container that cannot be connected to, before they fail. */
const TRY_FOR = '5s';
/** Shorter than the 5 s after which Node and others close an idle connection, so that no request meets one that is being closed. */
const IDLE = '4s';
/** Websockets survive changes of the configuration; those of an old release end with its containers. */
const STREAMS = '24h';

type Json = Record<string, unknown>;

/**
 * Caddy's part of a release:
 * - `proxy.json`, its configuration but for the routes, which the lines `"@routes <server>"` stand for;
 * - `routes`, a line each: server, order, id, host name, route; parted by tabs. Equal for releases that differ in nothing else;
 * - `addresses`, lines `<id> <address>`.
 *
 * A change of Caddy's configuration closes its listeners and idle connections, and with each some requests are lost (at 400 a second,
 * about one). So a release does not change it: which release gets a request is the name of an empty file,
 * `traffic/<id>/<share>,<address a>,<address b>`. Requests whose random id sorts below the share go to b: `0` none, `g` all, `19a` every
 * tenth. The configuration changes only with a service's host names and paths.
 */
export function caddyFiles(input: ProxyInput): ProxyFiles {
  return {
    'proxy.json': `${JSON.stringify(baseConfig(input.ports), undefined, 1)}\n`,
    routes: routeLines(input)
      .map((line) => `${line.join('\t')}\n`)
      .join(''),
    addresses: input.routes
      .map(({ name, address }) => `${routeId(input.service, input.environment, name)} ${address}\n`)
      .join(''),
  };
}

/** All of the configuration but the routes. */
export function baseConfig({ http, https }: ProxyInput['ports']): Json {
  const notFound = { handle: [{ handler: 'static_response', status_code: 404 }] };
  return {
    admin: {
      listen: `unix/${FOLDER}/run/admin.sock|0600`,
      // The copy that it would keep itself is not written durably, nor where we look for it.
      config: { persist: false },
    },
    logging: { logs: { default: { level: 'WARN' } } },
    storage: { module: 'file_system', root: `${FOLDER}/data` },
    apps: {
      http: {
        http_port: http,
        https_port: https,
        grace_period: '30s',
        servers: {
          http: {
            listen: [`:${http}`],
            automatic_https: { disable: true },
            routes: ['@routes http', notFound],
          },
          https: {
            listen: [`:${https}`],
            // Its own redirects would come behind a service that answers for all names.
            automatic_https: { disable_redirects: true },
            routes: ['@routes https', notFound],
          },
          probe: {
            listen: [`unix/${FOLDER}/run/probe.sock|0600`],
            automatic_https: { disable: true },
            routes: [
              {
                match: [{ header: { 'X-Sluice-Upstream': ['*'] } }],
                handle: [
                  {
                    handler: 'reverse_proxy',
                    upstreams: [{ dial: '{http.request.header.X-Sluice-Upstream}' }],
                    transport: { protocol: 'http', dial_timeout: '2s', keep_alive: { enabled: false } },
                    // A name that is not found at once is asked for again; a probe gives up after 5 s.
                    load_balancing: {
                      try_duration: '3s',
                      try_interval: '250ms',
                      retry_match: [{ method: [] }],
                    },
                    headers: { request: { delete: ['X-Sluice-Upstream'] } },
                  },
                ],
              },
            ],
          },
        },
      },
    },
  };
}

export const routeId = (service: string, environment: string, name: string): string =>
  `${service}-${environment}-${name}`.toLowerCase();

function routeLines({ service, environment, ports, hostnames, routes }: ProxyInput): string[][] {
  // Services with the same host names are told apart by paths; so the longer one comes first.
  const order = (path: string): string =>
    [
      hostnames.length === 0 ? 2 : hostnames.some((name) => name.startsWith('*.')) ? 1 : 0,
      String(9_999 - path.length).padStart(4, '0'),
    ].join('.');
  const folder = `${FOLDER}/traffic/${service}-${environment}`.toLowerCase();
  const lines = routes.map(({ name, path }) => {
    const id = routeId(service, environment, name);
    const route = { '@id': id, ...matching({ hostnames, path }), ...handling(id, folder), terminal: true };
    return [
      hostnames.length === 0 ? 'http' : 'https',
      order(path),
      id,
      hostnames.find((one) => !one.startsWith('*')) ?? '-',
      JSON.stringify(route),
    ];
  });
  if (hostnames.length === 0 || routes.length === 0) return lines;
  const redirect = {
    match: [{ host: hostnames }],
    handle: [
      {
        handler: 'static_response',
        status_code: 308,
        headers: {
          Location: [
            `https://{http.request.host}${ports.https === 443 ? '' : `:${ports.https}`}{http.request.uri}`,
          ],
        },
      },
    ],
    terminal: true,
  };
  return [...lines, ['http', order(''), '-', '-', JSON.stringify(redirect)]];
}

function matching({ hostnames, path }: { hostnames: readonly string[]; path: string }): Json {
  const prefix = path.replace(/\/+$/, '');
  const match = {
    ...(hostnames.length > 0 ? { host: hostnames } : {}),
    ...(prefix === '' ? {} : { path: [prefix, `${prefix}/*`] }),
  };
  return Object.keys(match).length > 0 ? { match: [match] } : {};
}

const subroute = (...routes: Json[]): Json => ({ handle: [{ handler: 'subroute', routes }] });

function handling(id: string, folder: string): Json {
  const page = `${folder}.maintenance`;
  return subroute(
    {
      match: [{ file: { root: '/', try_files: [page] } }],
      handle: [
        {
          handler: 'static_response',
          status_code: 503,
          headers: {
            'Retry-After': ['120'],
            'Cache-Control': ['no-store'],
            'Content-Type': ['text/html; charset=utf-8'],
          },
          body: `{file.${page}}`,
        },
      ],
      terminal: true,
    },
    // A folder each: Caddy tests the matchers of one route in no order, and each of these reads what the one before it found.
    {
      match: [
        {
          file: {
            root: `${FOLDER}/traffic/${id}`,
            try_files: ['/*'],
            // Without a look at the file itself, which may have another name by then.
            try_policy: 'first_exist_fallback',
          },
        },
      ],
      ...subroute({
        match: [
          {
            vars_regexp: {
              '{http.matchers.file.relative}': {
                name: id,
                pattern: '^/(?P<share>[^,]+),(?P<a>[^,]+),(?P<b>[^,]+)$',
              },
            },
          },
        ],
        ...subroute(
          {
            match: [{ expression: `{http.request.uuid} < {http.regexp.${id}.share}` }],
            handle: [sending(id, 'b')],
            terminal: true,
          },
          { handle: [sending(id, 'a')], terminal: true },
        ),
        terminal: true,
      }),
    },
    { handle: [{ handler: 'static_response', status_code: 503, headers: { 'Retry-After': ['5'] } }] },
  );
}

const sending = (id: string, group: 'a' | 'b'): Json => ({
  handler: 'reverse_proxy',
  upstreams: [{ dial: `{http.regexp.${id}.${group}}` }],
  transport: {
    protocol: 'http',
    dial_timeout: '2s',
    keep_alive: { enabled: true, idle_timeout: IDLE, max_idle_conns_per_host: 64 },
  },
  load_balancing: {
    try_duration: TRY_FOR,
    try_interval: '100ms',
    // No request that a container may have seen is sent twice: only connections are tried again.
    retry_match: [{ method: [] }],
  },
  headers: { request: { delete: ['X-Sluice-Upstream'] } },
  stream_close_delay: STREAMS,
});
