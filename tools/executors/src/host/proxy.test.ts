import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { scriptOf } from './phases.ts';
import { caddyFiles } from './proxy/index.ts';
import { openLocalHost } from './testing/local-host.ts';
import { shellFolder, shells } from './testing/shells.ts';
import type { Host } from './types.ts';

let root: string;
const open: Host[] = [];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'proxy-'));
  for (const folder of ['bin', 'proxy/run', 'proxy/routes'])
    mkdirSync(join(root, folder), { recursive: true });
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((host) => host.close()));
  rmSync(root, { recursive: true, force: true });
});

/** Runs functions of proxy.sh; `curl` stands for the proxy. */
async function run(script: string, curl: string, program: string): Promise<string[]> {
  const tool = join(root, 'bin/curl');
  writeFileSync(tool, `#!/bin/sh\n${curl}\n`);
  chmodSync(tool, 0o755);
  const host = await openLocalHost({
    root,
    path: [join(root, 'bin'), shellFolder(join(root, 'shell'), program)],
    script: () => `${scriptOf('process', 'lib', 'lease', 'proxy')}\n${script}`,
  });
  open.push(host);
  return (await host.run('truth')).log;
}
const file = (name: string) => readFileSync(join(root, 'proxy', name), 'utf8');
const routes = (service: string, path: string) =>
  caddyFiles({
    service,
    environment: 'staging',
    ports: { http: 80, https: 443 },
    hostnames: [],
    routes: [{ name: 'web', path, address: `${service}:1` }],
  });
/** Takes every change. */
const WILLING =
  'case "$*" in *dump-header*) printf \'HTTP/1.1 200 OK\\r\\nEtag: "/config/ 1"\\r\\n\' ;; *) printf 200 ;; esac';

describe.each(shells)('proxy.sh in $name', ({ program }) => {
  it('puts all routes into the configuration, longer paths first', async () => {
    writeFileSync(join(root, 'proxy/base.json'), routes('a', '/')['proxy.json'] ?? '');
    writeFileSync(join(root, 'proxy/routes/a-staging.routes'), routes('a', '/')['routes'] ?? '');
    writeFileSync(join(root, 'proxy/routes/b-staging.routes'), routes('b', '/b')['routes'] ?? '');
    // What somebody is just writing.
    writeFileSync(join(root, 'proxy/routes/c-staging.routes.tmp.1'), 'half');
    await run('proxy_apply', WILLING, program);
    const { servers } = JSON.parse(file('config.json')).apps.http;
    expect(servers.http.routes.map((route: { '@id'?: string }) => route['@id'])).toEqual([
      'b-staging-web',
      'a-staging-web',
      undefined,
    ]);
    expect(servers.https.routes).toHaveLength(1);
  });

  it('changes no configuration for a release that has the routes of the one before', async () => {
    writeFileSync(join(root, 'proxy/base.json'), routes('api', '/')['proxy.json'] ?? '');
    writeFileSync(join(root, 'new'), routes('api', '/')['routes'] ?? '');
    const script = `proxy_put "$root/new"; : >"$root/asked"; proxy_put "$root/new"`;
    await run(script, `[ ! -e "${root}/asked" ] || : >"${root}/again"\n${WILLING}`, program);
    expect(existsSync(join(root, 'asked'))).toBe(true);
    expect(existsSync(join(root, 'again'))).toBe(false);
  });

  it('says so where Podman gives containers no names, and leaves no network behind', async () => {
    const podman = `echo "$*" >>'${root}/calls'; case "$*" in *DNSEnabled*) echo false ;; esac`;
    writeFileSync(join(root, 'bin/podman'), `#!/bin/sh\n${podman}\n`, { mode: 0o755 });
    const script = `engine=podman\nsudo=\nproxy_start "$root/new"`;
    await expect(run(script, WILLING, program)).rejects.toMatchObject({ code: 'PODMAN_WITHOUT_NAMES' });
    expect(readFileSync(join(root, 'calls'), 'utf8').trim().split('\n').at(-1)).toBe(
      'network rm sluice-proxy',
    );
  });

  it('gives up where others are always quicker', async () => {
    writeFileSync(join(root, 'proxy/base.json'), '{}\n');
    await expect(run('proxy_apply', 'printf 412', program)).rejects.toMatchObject({ code: 'PROXY_BUSY' });
  });

  it('takes its own routes back where they are refused, and nobody else has them then', async () => {
    writeFileSync(join(root, 'proxy/base.json'), '{}\n');
    writeFileSync(join(root, 'proxy/routes/api-staging.routes'), 'before\n');
    writeFileSync(join(root, 'new'), 'after\n');
    await expect(run('proxy_put "$root/new"', 'printf 400', program)).rejects.toMatchObject({
      code: 'PROXY_REFUSED',
    });
    expect(file('routes/api-staging.routes')).toBe('before\n');
  });

  it('shares requests between two releases, in either direction', async () => {
    const log = await run(
      `proxy_put() { :; }
       say() { ls "$proxy/traffic/api-staging-web"; }
       for r in r1 r2 r3; do mkdir -p "$root/$r"; echo x >"$root/$r/routes"; echo "api-staging-web $r:1" >"$root/$r/addresses"; done
       proxy_switch "$root/r1" 100; say
       proxy_switch "$root/r2" 10; say
       proxy_switch "$root/r2" 100; say
       proxy_settle "$root/r2"; say
       proxy_switch "$root/r3" 10; say
       proxy_switch "$root/r3" 100; say`,
      'exit 7',
      program,
    );
    expect(log).toEqual([
      '0,r1:1,r1:1',
      '199,r1:1,r2:1',
      'g,r1:1,r2:1',
      'g,r2:1,r2:1',
      'e66,r3:1,r2:1',
      '0,r3:1,r2:1',
    ]);
  });

  it('waits until nothing is in flight to another release', async () => {
    const counted = `n=$(cat "${root}/n" 2>/dev/null || echo 3); echo $((n - 1)) >"${root}/n"
      [ "$n" -ge 0 ] || n=0
      printf '[{"address":"{http.regexp.other.a}","num_requests":9,"fails":0},{"address":"{http.regexp.api-staging-web.a}","num_requests":%s,"fails":0},{"address":"{http.regexp.api-staging-web.b}","num_requests":5,"fails":0}]' "$n"`;
    await run(
      `mkdir -p "$root/r2"; echo x >"$root/r2/routes"; echo 'api-staging-web r2:1' >"$root/r2/addresses"
       traffic_write api-staging-web g r1:1 r2:1
       proxy_drain "$root/r2" 5`,
      counted,
      program,
    );
    expect(Number(readFileSync(join(root, 'n'), 'utf8'))).toBeLessThan(0);
  });

  it('does not wait for one that died while it started the proxy', async () => {
    const log = await run(
      'ln -s "999999 1" "$proxy/lock"; proxy_alone; readlink "$proxy/lock" | cut -d " " -f 1; echo $$; proxy_not_alone; ls "$proxy"',
      'exit 7',
      program,
    );
    expect(log[0]).toBe(log[1]);
    expect(log.slice(2)).toEqual(['routes', 'run']);
  });
});
