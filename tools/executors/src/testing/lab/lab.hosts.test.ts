import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWithHosts, openLab, type Lab, type LabHost } from './index.ts';

describeWithHosts('the lab', () => {
  let lab: Lab;
  let one: LabHost;
  let two: LabHost;
  beforeAll(async () => {
    lab = await openLab();
    [one, two] = [await lab.host(), await lab.host({ user: 'root' })];
  });
  afterAll(() => lab.close());

  it('lets OpenSSH in, with strict host keys', async () => {
    expect(one.name).not.toBe(two.name);
    expect((await one.ssh('id -un; hostname')).stdout).toBe(`deploy\n${one.name}\n`);
    expect((await two.ssh('id -un; hostname')).stdout).toBe(`root\n${two.name}\n`);
    expect((await one.ssh('docker info --format "{{.Driver}}"')).stdout).toBe('overlay2\n');
  });

  it('runs the stand-ins: a file from Caddy on a published port, an answer from both databases', async () => {
    await one.ssh('mkdir -p site && echo hello > site/index.html');
    await one.ssh('docker run -d -p 8080:80 -v "$PWD/site:/usr/share/caddy:ro" caddy:2.10');
    await one.ssh(
      'docker run -d --name maria -e MARIADB_ROOT_PASSWORD=r00t -e MARIADB_DATABASE=shop -e MARIADB_USER=shop -e "MARIADB_PASSWORD=it\'s" mariadb:11',
    );
    await one.ssh('docker run -d --name pg -e POSTGRES_PASSWORD=secret -e POSTGRES_DB=shop postgres:17');

    expect(await (await eventually(() => fetch(one.url(8080)))).text()).toBe('hello\n');
    await eventually(() =>
      one.engine('exec', 'maria', 'healthcheck.sh', '--connect', '--innodb_initialized'),
    );
    const maria = one.engine(
      'exec',
      '-e',
      "MYSQL_PWD=it's",
      'maria',
      'mariadb',
      '-hlocalhost',
      '--protocol=tcp',
      '-ushop',
      '-Ne',
      'SELECT 6*7',
      'shop',
    );
    expect(await maria).toBe('42');
    const psql = [
      'exec',
      '-e',
      'PGPASSWORD=secret',
      'pg',
      'psql',
      '-h127.0.0.1',
      '-Upostgres',
      '-Atc',
      'SELECT 6*7',
      'shop',
    ];
    expect(await eventually(() => one.engine(...psql))).toBe('42');
    expect(await one.engine('run', '--rm', 'node:26-bookworm-slim', 'node', '-p', '6*7')).toBe('42');
  });

  it('loses its engine, with its containers, and gets it back', async () => {
    await one.ssh('docker run -d --restart unless-stopped -p 8081:80 caddy:2.10');
    await eventually(() => fetch(one.url(8081)));
    await one.stopEngine();
    expect((await one.ssh('docker ps')).code).toBe(1);
    await expect(fetch(one.url(8081))).rejects.toThrow('fetch failed');
    await one.startEngine();
    expect((await eventually(() => fetch(one.url(8081)))).status).toBe(200);
    await one.killEngine();
    expect((await one.ssh('docker ps')).code).toBe(1);
    await one.startEngine();
    expect((await one.ssh('docker ps -q')).code).toBe(0);
  });

  it('comes back after a power cut as the same host', async () => {
    await two.ssh(
      'docker run -d --restart unless-stopped -p 8082:80 caddy:2.10 && echo kept > ~/file && sync',
    );
    await two.powerCut();
    await two.powerOn();
    expect((await two.ssh('cat file')).stdout).toBe('kept\n');
    expect((await eventually(() => fetch(two.url(8082)))).status).toBe(200);
  });

  it('has a disk that can be full', async () => {
    await one.fillDisk();
    const full = await one.ssh('head -c 1000000 /dev/zero > big');
    expect(full).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('No space left on device') as string,
    });
    await one.freeDisk();
    expect((await one.ssh('head -c 1000000 /dev/zero > big')).code).toBe(0);
  });

  it('vanishes from the network, and hangs up', async () => {
    expect(await opens(one)).toBe(true);
    await one.cut();
    expect(await opens(one)).toBe(false);
    expect(await one.exec('echo here')).toBe('here');
    await one.mend();
    expect(await opens(one)).toBe(true);

    const long = one.ssh('echo begun >begun; sleep 60');
    await eventually(() => one.exec('cat /home/deploy/begun'));
    await one.hangUp();
    expect((await long).code).toBe(255);
    expect((await one.ssh('true')).code).toBe(0);
  });

  it('is reset: nothing of the test is left, pulled images are', async () => {
    await one.ssh(
      'docker volume create v; docker network create n; docker tag caddy:2.10 mine:1; sleep 300 >/dev/null 2>&1 & touch left /tmp/left',
    );
    await one.reset();
    expect(
      await one.exec(
        'docker ps -aq; docker volume ls -q; docker network ls -q --filter type=custom; find /tmp /home/deploy -mindepth 1 | grep -v /[.]ssh; pgrep -u deploy || true',
      ),
    ).toBe('');
    expect(await one.engine('images', '-q', 'mine:1')).not.toBe('');
    await one.reset({ images: 'base' });
    expect(await one.engine('images', '-q', 'mine:1')).toBe('');
    expect(await one.engine('images', '-q', 'caddy:2.10')).not.toBe('');
    expect((await one.ssh('docker ps -q')).code).toBe(0);
  });

  it('has a registry that this machine, the hosts, and hosts behind a tunnel reach', async () => {
    const registry = await lab.registry({ auth: true });
    expect((await fetch(`${registry.url}/v2/`)).status).toBe(401);
    const basic = Buffer.from(`${registry.user}:${registry.password}`).toString('base64');
    expect(
      (await fetch(`${registry.url}/v2/`, { headers: { authorization: `Basic ${basic}` } })).status,
    ).toBe(200);

    const open = await lab.registry();
    await one.ssh(
      `docker tag caddy:2.10 ${open.fromHosts}/acme/web:1 && docker push -q ${open.fromHosts}/acme/web:1`,
    );
    await open.tunnelTo(two);
    expect(await two.ssh(`docker pull -q ${open.address}/acme/web:1`)).toMatchObject({
      code: 0,
      stdout: `${open.address}/acme/web:1\n`,
    });
  });

  it('has hosts where deploying needs sudo, or cannot be, and hosts without Compose', async () => {
    await two.dispose();
    const three = await lab.host({ access: 'sudo', compose: 'none' });
    expect((await three.ssh('docker ps')).stderr).toContain('permission denied');
    expect((await three.ssh('sudo -n docker ps -q')).code).toBe(0);
    expect((await three.ssh('command -v docker-compose || docker compose version')).code).not.toBe(0);
  });

  it('has hosts with the Compose plugin', async () => {
    const host = await lab.host({ compose: 'v2' });
    await host.ssh('cat > compose.yaml', {
      input: 'services: { web: { image: "caddy:2.10", ports: ["8083:80"] } }',
    });
    expect((await host.ssh('docker compose up -d && ! command -v docker-compose')).code).toBe(0);
    expect((await eventually(() => fetch(host.url(8083)))).status).toBe(200);
    await host.dispose();
  });

  it.each([
    { kind: 'rootless', user: 'deploy', engine: 'docker' },
    { kind: 'podman', user: 'deploy', engine: 'podman' },
    { kind: 'podman', user: 'root', engine: 'podman' },
  ] as const)('has hosts with $kind for $user', async ({ kind, user, engine }) => {
    const host = await lab.host({ kind, user });
    expect(await host.ssh(`${engine} run -d --name web -p 8084:80 caddy:2.10`)).toMatchObject({ code: 0 });
    expect((await eventually(() => fetch(host.url(8084)))).status).toBe(200);
    await host.reset();
    expect(await host.ssh(`${engine} ps -aq`)).toMatchObject({ code: 0, stdout: '' });
    await host.dispose();
  });
});

async function eventually<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 0; tries < 150; tries += 1) {
    try {
      return await ask();
    } catch {
      await sleep(200);
    }
  }
  return ask();
}

/** Whether the host takes a connection within a second. */
function opens(host: LabHost): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: host.address, port: host.port, timeout: 1000 });
    const answer = (yes: boolean) => {
      socket.destroy();
      resolve(yes);
    };
    socket.once('connect', () => answer(true));
    socket.once('timeout', () => answer(false));
    socket.once('error', () => answer(false));
  });
}
