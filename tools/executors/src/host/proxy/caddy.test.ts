import { describe, expect, it } from 'vitest';
import { baseConfig, caddyFiles } from './caddy.ts';
import type { ProxyInput } from './types.ts';

const INPUT: ProxyInput = {
  service: 'Shop',
  environment: 'staging',
  ports: { http: 80, https: 443 },
  hostnames: [],
  routes: [{ name: 'web', path: '/', address: 'r1-web:3000' }],
};
interface Line {
  server: string;
  order: string;
  id: string;
  host: string;
  // oxlint-disable-next-line typescript/no-explicit-any
  route: any;
}
function lines(input: Partial<ProxyInput>): Line[] {
  const text = caddyFiles({ ...INPUT, ...input })['routes'] ?? '';
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [server = '', order = '', id = '', host = '', route = '{}'] = line.split('\t');
      return { server, order, id, host, route: JSON.parse(route) };
    });
}

describe('the configuration of Caddy', () => {
  it('listens on the ports of the stage, and to its user alone on sockets', () => {
    expect(baseConfig({ http: 8080, https: 8443 })).toMatchObject({
      admin: { listen: 'unix//sluice/run/admin.sock|0600', config: { persist: false } },
      apps: {
        http: {
          http_port: 8080,
          https_port: 8443,
          servers: {
            http: { listen: [':8080'], automatic_https: { disable: true } },
            https: { listen: [':8443'] },
            probe: { listen: ['unix//sluice/run/probe.sock|0600'] },
          },
        },
      },
    });
  });

  it('has each place for routes on a line of its own, before what answers all else', () => {
    const text = caddyFiles(INPUT)['proxy.json'] ?? '';
    expect(text.match(/^ *"@routes (http|https)",$/gm)).toHaveLength(2);
    expect(text).toMatch(/^ *"http_port": 80,$/m);
  });

  it('is one route for all names by HTTP where no name is given', () => {
    const [line, ...others] = lines({});
    expect(others).toEqual([]);
    expect(line).toMatchObject({ server: 'http', id: 'shop-staging-web', host: '-' });
    expect(caddyFiles(INPUT)['addresses']).toBe('shop-staging-web r1-web:3000\n');
    expect(line?.route).not.toHaveProperty('match');
    expect(line?.route).toMatchObject({ '@id': 'shop-staging-web', terminal: true });
  });

  it('does not hold the release: two releases have equal routes', () => {
    const of = (address: string) =>
      caddyFiles({ ...INPUT, routes: [{ name: 'web', path: '/', address }] })['routes'];
    expect(of('r1-web:3000')).toEqual(of('r2-web:3000'));
  });

  it('is HTTPS for names, with a way there from HTTP', () => {
    const [route, redirect] = lines({
      hostnames: ['*.example.com', 'www.example.com'],
      ports: { http: 8080, https: 8443 },
    });
    expect(route).toMatchObject({
      server: 'https',
      host: 'www.example.com',
      route: { match: [{ host: ['*.example.com', 'www.example.com'] }] },
    });
    expect(redirect).toMatchObject({ server: 'http', id: '-' });
    expect(redirect?.route.handle[0].headers.Location).toEqual([
      'https://{http.request.host}:8443{http.request.uri}',
    ]);
  });

  it('sorts names before patterns before none, and longer paths first', () => {
    const order = (hostnames: string[], path: string) =>
      lines({ hostnames, routes: [{ name: 'web', path, address: 'a:1' }] })[0]?.order ?? '';
    const sorted = [
      order(['a.example.com'], '/api/deep'),
      order(['a.example.com'], '/api'),
      order(['a.example.com'], '/'),
      order(['*.example.com'], '/api'),
      order([], '/api'),
      order([], '/'),
    ];
    expect(sorted.toSorted()).toEqual(sorted);
    expect(new Set(sorted).size).toBe(6);
  });

  it.each([
    ['/', undefined],
    ['/api', ['/api', '/api/*']],
    ['/api/', ['/api', '/api/*']],
  ])('%s takes whole parts of a path', (path, expected) => {
    const [line] = lines({ routes: [{ name: 'web', path, address: 'a:1' }] });
    expect(line?.route.match?.[0].path).toEqual(expected);
  });

  it('tries connections again, and never a request; and hides its own header', () => {
    const text = JSON.stringify(lines({})[0]?.route);
    expect(text.match(/"try_duration":"5s"/g)).toHaveLength(2);
    expect(text.match(/"retry_match":\[\{"method":\[\]\}\]/g)).toHaveLength(2);
    expect(text.match(/"delete":\["X-Sluice-Upstream"\]/g)).toHaveLength(2);
  });
});
