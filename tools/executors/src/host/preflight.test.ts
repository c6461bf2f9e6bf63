import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakeDocker, type FakeDocker } from './testing/fake-docker.ts';
import { openLocalHost, type LocalHostOptions } from './testing/local-host.ts';
import { shellFolder, shells } from './testing/shells.ts';
import { phaseScript as realScript } from './phases.ts';
import type { Host, PhaseInput } from './types.ts';

let root: string;
let docker: FakeDocker;
const hosts: Host[] = [];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'host-'));
  docker = fakeDocker(join(root, 'docker'));
});
afterEach(async () => {
  await Promise.all(hosts.splice(0).map((host) => host.close()));
  rmSync(root, { recursive: true, force: true });
});

async function preflight(input: PhaseInput = {}, options: Partial<LocalHostOptions> = {}) {
  const host = await openLocalHost({
    root: join(root, 'state'),
    path: docker.path,
    ...options,
    env: { ...docker.env, ...options.env },
  });
  hosts.push(host);
  const { facts } = await host.run('preflight', input);
  return facts.map(({ key, value }): [string, string] => [key, value]);
}

/** The programs of this machine, but for some. */
function without(...names: string[]): string {
  const folder = join(root, 'programs');
  mkdirSync(folder);
  for (const from of (process.env['PATH'] ?? '').split(delimiter).toReversed()) {
    if (!existsSync(from)) continue;
    for (const name of readdirSync(from)) {
      rmSync(join(folder, name), { force: true });
      if (!names.includes(name)) symlinkSync(join(from, name), join(folder, name));
    }
  }
  return folder;
}

describe('preflight', () => {
  it.each(shells)('tells what a host is, by $name, and changes nothing', async ({ program }) => {
    const path = [shellFolder(join(root, 'shell'), program), ...docker.path];
    const facts = Object.fromEntries(await preflight({ values: { NEED_MB: '1', PORTS: '1' } }, { path }));
    expect(facts).toMatchObject({
      engine: 'docker 24.0.7',
      compose: 'v2 2.24.5',
      arch: expect.stringMatching(/^\w+$/),
      user: expect.any(String),
      current: '',
      previous: '',
      free_mb: expect.stringMatching(/^\d+$/),
      free_mb_engine: expect.stringMatching(/^\d+$/),
    });
    expect(Math.abs(Number(facts['clock']) - Date.now() / 1_000)).toBeLessThan(30);
    expect(facts).not.toHaveProperty('lock');
    expect(existsSync(join(root, 'state'))).toBe(false);
  });

  it.each<[string, () => void, PhaseInput, object]>([
    [
      'ENGINE_UNREACHABLE',
      () => writeFileSync(join(docker.folder, 'down'), ''),
      {},
      { engine: 'docker', said: 'Cannot connect to the Docker daemon' },
    ],
    [
      'COMPOSE_TOO_OLD',
      () => writeFileSync(join(docker.folder, 'compose-version'), '1.9.3\n'),
      {},
      { found: '1.9.3', need: '2.0' },
    ],
    ['DISK_TOO_SMALL', () => {}, { values: { NEED_MB: '999999999' } }, { need: '999999999' }],
    [
      'COMPOSE_INVALID',
      () => {},
      { values: { COMPOSE_CHECK: 'yes' }, stdin: 'services: {broken: 1}' },
      { said: 'services.api broken' },
    ],
    [
      'PORT_TAKEN',
      () => docker.add('other', { name: 'nginx', port: 80 }),
      { values: { PORTS: '80 443' } },
      { port: '80', by: 'the container nginx' },
    ],
  ])('%s', async (code, arrange, input, details) => {
    arrange();
    await expect(preflight(input)).rejects.toMatchObject({ code, details });
  });

  it('PORT_TAKEN by a program that is no container', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    await expect(preflight({ values: { PORTS: String(port) } })).rejects.toMatchObject({
      code: 'PORT_TAKEN',
    });
    server.close();
  });

  it('ports that our own proxy has are free', async () => {
    docker.add('proxy', { name: 'sluice-proxy', port: 80 });
    await expect(preflight({ values: { PORTS: '80' } })).resolves.toBeDefined();
  });

  it('takes a compose file that compose takes', async () => {
    const input = { values: { COMPOSE_CHECK: 'yes' }, stdin: 'services: {}' };
    await expect(preflight(input)).resolves.toBeDefined();
    expect(docker.calls()).toContain('compose -p sluice-check -f - config -q');
  });

  it.each([
    ['curl', 'TOOL_MISSING', 'caddy'],
    ['tar', 'TOOL_MISSING', 'none'],
  ])('without %s: %s', async (tool, code, proxy) => {
    // lib.sh adds the usual folders to PATH, where the tool is: it is looked for as a host without them would.
    const path = without(tool);
    const host = await openLocalHost({
      root: join(root, 'state'),
      script: (phase) =>
        `${realScript(phase).replace(/^PATH=\$PATH:.*$/m, `PATH='${docker.path.join(':')}:${path}'`)}`,
      path: docker.path,
      env: docker.env,
    });
    hosts.push(host);
    await expect(host.run('preflight', { values: { PROXY: proxy } })).rejects.toMatchObject({
      code,
      details: { tool },
    });
  });

  it('ENGINE_MISSING, and COMPOSE_MISSING', async () => {
    const path = without('docker', 'podman', 'docker-compose', 'podman-compose');
    const bare = async (folders: string[]) => {
      const host = await openLocalHost({
        root: join(root, 'state'),
        script: (phase) =>
          realScript(phase).replace(/^PATH=\$PATH:.*$/m, `PATH='${[...folders, path].join(':')}'`),
        env: docker.env,
      });
      hosts.push(host);
      return host.run('preflight');
    };
    await expect(bare([])).rejects.toMatchObject({ code: 'ENGINE_MISSING' });
    writeFileSync(join(docker.folder, 'fail-compose'), "docker: 'compose' is not a docker command\n");
    await expect(bare(docker.path)).rejects.toMatchObject({ code: 'COMPOSE_MISSING' });
  });

  describe('where the engine is Podman', () => {
    /** A host with these programs and no other engine or compose. */
    const onPodman = async (input: PhaseInput, info: string, ps = '') => {
      const bin = join(root, 'podman');
      mkdirSync(bin);
      const podman = `case "$*" in version*) echo 4.3.1 ;; *RemoteSocket*) echo '${info}' ;; info*) echo / ;; compose*) exit 125 ;; ps*) echo '${ps}' ;; esac`;
      writeFileSync(join(bin, 'podman'), `#!/bin/sh\n${podman}\n`, { mode: 0o755 });
      writeFileSync(join(bin, 'docker-compose'), '#!/bin/sh\necho 1.29.2\n', { mode: 0o755 });
      const path = [bin, without('docker', 'podman', 'docker-compose', 'podman-compose')].join(':');
      const host = await openLocalHost({
        root: join(root, 'state'),
        script: (phase) => realScript(phase).replace(/^PATH=\$PATH:.*$/m, `PATH='${path}'`),
      });
      hosts.push(host);
      return host.run('preflight', input);
    };

    it('PODMAN_SOCKET_OFF: docker-compose cannot talk to it', async () => {
      const socket = join(root, 'podman.sock');
      await expect(onPodman({}, `unix://${socket}`)).rejects.toMatchObject({
        code: 'PODMAN_SOCKET_OFF',
        message: expect.stringContaining(`nothing listens on ${socket}`),
      });
    });

    it('PORT_TAKEN by one of its containers, alone or in a range', async () => {
      const socket = join(root, 'podman.sock');
      const server = createServer().listen(socket);
      try {
        const ports = 'shop 0.0.0.0:8080-8082->80-82/tcp, 9000/tcp';
        await expect(onPodman({ values: { PORTS: '8081' } }, socket, ports)).rejects.toMatchObject({
          code: 'PORT_TAKEN',
          message: expect.stringContaining('the container shop'),
        });
      } finally {
        server.close();
      }
    });
  });

  it('finds docker by sudo where the user may not without', async () => {
    const bin = join(root, 'sudo');
    mkdirSync(bin);
    // Stands for sudo: who calls through it may.
    writeFileSync(join(bin, 'sudo'), '#!/bin/sh\n[ "$1" = -n ] || exit 1\nshift\nALLOWED=yes exec "$@"\n', {
      mode: 0o755,
    });
    writeFileSync(
      join(bin, 'docker'),
      `#!/bin/sh\n[ "\${ALLOWED:-}" = yes ] || { echo 'permission denied' >&2; exit 1; }\nexec '${docker.path[0]}/docker' "$@"\n`,
      { mode: 0o755 },
    );
    const facts = Object.fromEntries(await preflight({}, { path: [bin] }));
    expect(facts).toMatchObject({ engine: 'docker 24.0.7', sudo: 'yes' });
  });

  it('tells who holds the lock, what serves, and what former runs left', async () => {
    const home = join(root, 'state/api/staging');
    mkdirSync(join(home, 'releases/3.tmp'), { recursive: true });
    writeFileSync(join(home, 'current'), '2\n');
    writeFileSync(join(home, 'previous'), '1\n');
    docker.add('c2', { release: '2' });
    docker.add('c9', { release: '9' });
    docker.add('db', {});
    const facts = await preflight();
    expect(facts.filter(([key]) => /current|previous|leftover/.test(key))).toEqual([
      ['current', '2'],
      ['previous', '1'],
      ['leftover', 'container c9 of release 9'],
      ['leftover', `folder ${home}/releases/3.tmp`],
    ]);
    mkdirSync(join(home, 'lock'));
    writeFileSync(join(home, 'lock/run'), 'run-7\n');
    writeFileSync(join(home, 'lock/owner'), 'ann "the deployer"\n');
    writeFileSync(join(home, 'lock/ttl'), '60\n');
    writeFileSync(join(home, 'lock/lease'), '');
    const held = await preflight();
    expect(held.filter(([key]) => key === 'leftover')).toEqual([]);
    expect(JSON.parse(Object.fromEntries(held)['lock'] ?? '')).toMatchObject({
      state: 'held',
      run: 'run-7',
      owner: 'ann "the deployer"',
      ttl: 60,
    });
  });
});
