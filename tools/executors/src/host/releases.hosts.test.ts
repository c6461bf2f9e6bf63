import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { runLoad } from '../deployment/smoke/load.ts';
import {
  describeWithHosts,
  openLab,
  type Lab,
  type LabHost,
  type LabRegistry,
} from '../testing/lab/index.ts';
import { DeployedService, pushApp, type ServiceOptions } from './testing/releases/deployed.ts';

describeWithHosts('releases on a host', () => {
  let lab: Lab;
  let machine: LabHost;
  let registry: LabRegistry;
  let image: string;
  const open: DeployedService[] = [];
  beforeAll(async () => {
    lab = await openLab();
    machine = await lab.host();
    registry = await lab.registry();
    image = pushApp(registry);
  });
  beforeEach(() => machine.reset());
  afterEach(async () => {
    for (const service of open.splice(0)) await (await service.host).close();
  });
  afterAll(() => lab?.close());

  const opened = async (options: ServiceOptions = {}): Promise<DeployedService> => {
    const service = new DeployedService(machine, image, options);
    open.push(service);
    await service.lock();
    return service;
  };
  const get = async (
    path = '/',
    port = 8080,
  ): Promise<{ status: number; version?: string; body: string }> => {
    const response = await fetch(`${machine.url(port)}${path}`, { headers: { connection: 'close' } });
    const body = await response.text();
    return {
      status: response.status,
      body,
      ...(body.startsWith('{') ? { version: (JSON.parse(body) as { version: string }).version } : {}),
    };
  };
  const failure = (promise: Promise<unknown>) =>
    promise.then(
      () => expect.unreachable('it should have failed'),
      (error: Error & { code: string; details: { log: string[] } }) => error,
    );

  it('follow each other without a lost request, and go back without one', async () => {
    const service = await opened();
    await service.deploy({ VERSION: '1' });
    const first = service.release;
    expect(await get()).toMatchObject({ status: 200, version: '1' });
    expect(await service.truth()).toMatchObject({ current: first, serving: first });

    const stop = new AbortController();
    const load = runLoad({ url: machine.url(8080), rate: 200, signal: stop.signal });
    await service.deploy({ VERSION: '2' });
    const second = service.release;
    expect(await get()).toMatchObject({ version: '2' });
    expect(await service.truth()).toMatchObject({ current: second, previous: first, serving: second });
    expect(await service.containers()).toEqual([`${second} running`]);

    await service.prepare({ VERSION: '3', MODE: 'later', AFTER: '2500' });
    await service.start();
    await service.health();
    await service.switch();
    expect((await get()).version).toBe('3');
    const error = await failure(service.watch(30));
    expect(error).toMatchObject({ code: 'PROBE_FAILED', message: expect.stringContaining('with 500') });
    await service.undo();
    expect((await get()).version).toBe('2');
    expect(await service.truth()).toMatchObject({ current: second, serving: second });
    expect(await service.containers()).toEqual([`${second} running`]);

    stop.abort();
    const { sent, failures } = await load;
    expect(failures).toEqual({});
    expect(sent).toBeGreaterThan(1_000);
  });

  it('let a canary have its part of the requests, and the others go where they went', async () => {
    const service = await opened();
    await service.deploy({ VERSION: '1' });
    const first = service.release;
    const share = async () => {
      const versions = await Promise.all(Array.from({ length: 200 }, () => get()));
      return versions.filter(({ version }) => version === '2').length;
    };
    await service.prepare({ VERSION: '2' });
    await service.start();
    await service.health();
    await service.switch(25);
    const part = await share();
    expect(part).toBeGreaterThan(20);
    expect(part).toBeLessThan(85);
    expect((await service.truth())['serving']?.split(' ').sort()).toEqual([first, service.release]);
    await service.watch();
    await service.switch(100);
    expect(await share()).toBe(200);
    await service.finish();

    await service.prepare({ VERSION: '3' });
    await service.start();
    await service.switch(25);
    await service.undo();
    expect(await share()).toBe(200);
  });

  it('wait for the requests that are under way', async () => {
    const service = await opened();
    await service.deploy({ VERSION: '1' });
    await service.prepare({ VERSION: '2' });
    await service.start();
    await service.health();
    const slow = get('/slow');
    await new Promise((resolve) => setTimeout(resolve, 300));
    const began = Date.now();
    await service.switch();
    expect(Date.now() - began).toBeGreaterThan(1_500);
    await service.finish();
    expect(await slow).toMatchObject({ status: 200, version: '1' });
  });

  it('that fail say why, with the last lines of their containers', async () => {
    const service = await opened();
    await service.prepare({ VERSION: '1', MODE: 'crash' });
    await service.start();
    const crashed = await failure(service.health());
    expect(crashed).toMatchObject({ code: 'CRASH_LOOP', message: expect.stringContaining('web') });
    expect(crashed.details.log.join('\n')).toContain('cannot go on, because the test says so');
    await service.undo();
    expect(await service.containers()).toEqual([]);

    await service.prepare({ VERSION: '1', MODE: 'sick' });
    await service.start();
    expect(await failure(service.health())).toMatchObject({ code: 'PROBE_FAILED' });
    await service.undo();
    expect(await get().catch(() => ({ status: 0 }))).toMatchObject({ status: 404 });
  });

  it('with a health path that is not there say so', async () => {
    const service = await opened({ http: { health: { path: '/nothing', status: 200 } } });
    await service.prepare({ VERSION: '1' });
    await service.start();
    expect(await failure(service.health())).toMatchObject({
      code: 'PROBE_FAILED',
      message: expect.stringContaining('has no /nothing'),
    });
  });

  it('with a health check of their own are healthy when that says exactly so', async () => {
    const compose = (test: string) => `services:
  web:
    build: .
    environment: { VERSION: "1" }
    healthcheck: { test: ${test}, interval: 1s, retries: 1, timeout: 2s }
`;
    const good = await opened({ compose: compose('[CMD, "true"]') });
    await good.deploy({});
    const bad = await opened({ service: 'bad', compose: compose('[CMD, "false"]') });
    await bad.prepare({});
    await bad.start();
    expect(await failure(bad.health())).toMatchObject({
      code: 'CONTAINER_UNHEALTHY',
      message: expect.stringContaining('unhealthy'),
    });
  });

  it('of two services come to one proxy at the same time, each by its path', async () => {
    const services = [
      await opened({ service: 'shop' }),
      await opened({ service: 'api', http: { path: '/api' } }),
      await opened({ service: 'deep', http: { path: '/api/deep' } }),
    ];
    await Promise.all(services.map((service, i) => service.deploy({ VERSION: `v${i}` })));
    expect((await get('/x')).version).toBe('v0');
    expect((await get('/api')).version).toBe('v1');
    expect((await get('/api/x')).version).toBe('v1');
    expect((await get('/apis')).version).toBe('v0');
    expect((await get('/api/deep/x')).version).toBe('v2');
    const copy = JSON.parse(await machine.exec('cat ~deploy/.sluice/proxy/config.json'));
    const live = JSON.parse(
      await machine.exec('curl -s --unix-socket ~deploy/.sluice/proxy/run/admin.sock http://x/config/'),
    );
    expect(copy).toEqual(live);
  });

  it('keep their proxy when that is killed, gone, or the power is cut', async () => {
    const service = await opened();
    await service.deploy({ VERSION: '1' });
    await machine.engine('rm', '-f', 'sluice-proxy');
    await service.deploy({ VERSION: '2' });
    expect((await get()).version).toBe('2');
    await machine.engine('kill', 'sluice-proxy');
    await service.deploy({ VERSION: '3' });
    expect((await get()).version).toBe('3');
    await (await service.host).close();
    open.splice(0);
    await machine.powerCut();
    await machine.powerOn();
    await expect.poll(() => get().catch(() => ({})), { timeout: 20_000 }).toMatchObject({ version: '3' });
  });

  it('without a proxy take the place of the one before, and give it back', async () => {
    const service = await opened({
      proxy: 'none',
      compose: `services:
  web: { build: ., stop_grace_period: 1s, environment: { VERSION: '\${VERSION}', MODE: '\${MODE:-good}' }, ports: ['8090:3000'] }
`,
    });
    await service.deploy({ VERSION: '1' });
    const first = service.release;
    expect((await get('/', 8090)).version).toBe('1');
    await service.deploy({ VERSION: '2' });
    expect((await get('/', 8090)).version).toBe('2');
    expect(await service.containers()).toEqual([`${service.release} running`]);
    const second = service.release;
    await service.prepare({ VERSION: '3', MODE: 'sick' });
    await service.start();
    expect(await failure(service.health())).toMatchObject({ code: 'PROBE_FAILED' });
    await service.undo();
    await expect
      .poll(() => get('/', 8090).catch(() => ({})), { timeout: 10_000 })
      .toMatchObject({ version: '2' });
    expect(await service.truth()).toMatchObject({ current: second, previous: first, serving: second });
    expect(await service.containers()).toEqual([`${second} running`]);
  });

  it('run several containers side by side, all of which are asked', async () => {
    const service = await opened({ replicas: 2 });
    await service.deploy({ VERSION: '1' });
    expect(await service.containers()).toHaveLength(2);
    expect((await get()).version).toBe('1');
  });

  it('give way to a page, and come back', async () => {
    const service = await opened();
    expect(await failure(service.run('maintenance', { PAGE: 'on' }))).toMatchObject({
      code: 'MAINTENANCE_WITHOUT_PROXY',
    });
    await service.deploy({ VERSION: '1' });
    await service.run('maintenance', { PAGE: 'on' });
    expect(await get()).toMatchObject({ status: 503, body: expect.stringContaining('back soon') });
    await service.watch();
    await service.run('maintenance', { PAGE: 'off' });
    expect(await get()).toMatchObject({ status: 200 });
  });

  it('migrate in a container of their own, whose failure is told with its output', async () => {
    const service = await opened();
    await service.prepare({ VERSION: '7' });
    const command = (script: string) => ({ COMPOSE_SERVICE: 'web', COMMAND: `node\n-e\n${script}` });
    const { log } = await service.run('migrate', command('console.log("version", process.env.VERSION)'));
    expect(log).toContain('version 7');
    const failed = await failure(
      service.run(
        'migrate',
        command(
          // Two streams of one container: the later one has to be later by more than a scheduler's whim.
          'console.log("half done"); setTimeout(() => { console.error("$(no) such `table`"); process.exit(4); }, 500)',
        ),
      ),
    );
    expect(failed).toMatchObject({
      code: 'MIGRATION_FAILED',
      message: expect.stringContaining('exit code 4: $(no) such `table`'),
    });
    expect(failed.details.log).toContain('half done');
    const quick = await failure(service.run('migrate', command('console.log("at once"); process.exit(3)')));
    expect(quick.message).toContain('exit code 3: at once');
    expect(await service.containers()).toEqual([]);
  });

  it('tell a pull that was refused from an image that is not there', async () => {
    const service = await opened();
    await service.prepare({ VERSION: '1' });
    const missing = image.replace(/.{8}$/, '00000000');
    expect(await failure(service.run('pull', { IMAGES: missing }))).toMatchObject({ code: 'PULL_FAILED' });
    const closed = await lab.registry({ auth: true });
    const there = `${closed.fromHosts}/acme/app@${image.split('@')[1]}`;
    expect(await failure(service.run('pull', { IMAGES: there }))).toMatchObject({ code: 'PULL_REFUSED' });
    expect(await failure(service.run('pull', { IMAGES: there }, 'tester\nwrong-one\n'))).toMatchObject({
      code: 'PULL_REFUSED',
    });
    expect(
      await failure(service.run('pull', { IMAGES: there }, `${closed.user}\n${closed.password}\n`)),
    ).toMatchObject({ code: 'PULL_FAILED' });
    expect(await machine.exec('ls ~deploy/.sluice/shop/staging/run; ls -a ~deploy')).not.toContain('.docker');
  });

  it('wait for what they need, and say what of it is not ready', async () => {
    const compose = (mode: string, image: string) => `services:
  web: { build: ., environment: { VERSION: "1", MODE: "\${MODE:-good}" }, depends_on: [cache] }
  cache:
    image: ${image}
    environment: { MODE: ${mode} }
    restart: "no"
`;
    const broken = await opened({ compose: compose('crash', image) });
    expect(await failure(broken.prepare({}))).toMatchObject({
      code: 'ACCESSORY_UNHEALTHY',
      message: expect.stringMatching(/^cache, .*exited with code 3/),
    });
    const absent = await opened({ service: 'absent', compose: compose('good', `${image.split('@')[0]}:no`) });
    expect(await failure(absent.prepare({}))).toMatchObject({ code: 'ACCESSORIES_FAILED' });

    const good = await opened({ service: 'good', compose: compose('good', image) });
    await good.deploy({});
    const started = () =>
      machine.engine('inspect', '-f', '{{.Id}} {{.State.StartedAt}}', 'good-staging_cache_1');
    const before = await started();
    await good.deploy({ MODE: 'good' });
    expect(await started()).toBe(before);
    const asked = await machine.engine(
      'exec',
      'good-staging_cache_1',
      'node',
      '-e',
      `
      fetch('http://cache:3000/').then((r) => console.log(r.status))`,
    );
    expect(asked.trim()).toBe('200');
  });

  it('find a proxy that is not theirs, or listens elsewhere, or takes nothing of it', async () => {
    await machine.engine(
      'run',
      '-d',
      '--name',
      'sluice-proxy',
      '--entrypoint',
      'sleep',
      'debian:bookworm-slim',
      '60',
    );
    const first = await opened();
    expect(await failure(first.prepare({ VERSION: '1' }))).toMatchObject({ code: 'PROXY_FOREIGN' });
    await machine.engine('rm', '-f', 'sluice-proxy');

    await machine.engine(
      'run',
      '-d',
      '--name',
      'taken',
      '-p',
      '8080:80',
      '--entrypoint',
      'sleep',
      'debian:bookworm-slim',
      '600',
    );
    expect(await failure(first.prepare({ VERSION: '1' }))).toMatchObject({
      code: 'PROXY_DOWN',
      message: expect.stringContaining('8080'),
    });
    await machine.engine('rm', '-f', 'taken');
    await first.deploy({ VERSION: '1' });

    const elsewhere = await opened({ service: 'elsewhere', ports: { http: 8081, https: 8443 } });
    expect(await failure(elsewhere.prepare({ VERSION: '1' }))).toMatchObject({
      code: 'PROXY_PORTS',
      message: expect.stringMatching(/8080 8443 .* 8081 8443/),
    });

    const wrong = await opened({ service: 'wrong', hostnames: ['a.example.com', 'a.example.com'] });
    await wrong.prepare({ VERSION: '2' });
    await wrong.start();
    await wrong.health();
    expect(await failure(wrong.switch())).toMatchObject({ code: 'PROXY_REFUSED' });
    await wrong.undo();
    await first.deploy({ VERSION: '3' });
    expect((await get()).version).toBe('3');
  });

  it('that are watched lose their proxy, or their container', async () => {
    const service = await opened();
    await service.deploy({ VERSION: '1' });
    await machine.engine('rm', '-f', 'sluice-proxy');
    expect(await failure(service.watch())).toMatchObject({ code: 'PROXY_DOWN' });
    await service.undo();
    expect((await get()).version).toBe('1');
    const [id = ''] = (await machine.engine('ps', '-q', '--filter', 'label=com.sluice.part=web')).split('\n');
    await machine.engine('stop', id);
    expect(await failure(service.watch())).toMatchObject({ code: 'CRASH_LOOP' });
  });

  it('say that something of theirs is gone, or cannot start', async () => {
    const service = await opened();
    service.release = '20250101T000000-000000000000';
    expect(await failure(service.start())).toMatchObject({ code: 'RELEASE_FOLDER_GONE' });
    await service.prepare({ VERSION: '1' });
    await machine.engine('network', 'rm', 'shop-staging');
    expect(await failure(service.start())).toMatchObject({
      code: 'START_FAILED',
      message: expect.stringContaining('shop-staging'),
    });
  });

  it('do not begin on a disk that is full, and go back on one', async () => {
    const service = await opened();
    await machine.fillDisk();
    try {
      expect(await failure(service.prepare({ VERSION: '1' }))).toMatchObject({ code: 'HOST_DISK_FULL' });
    } finally {
      await machine.freeDisk();
    }
    await service.deploy({ VERSION: '1' });
    const first = service.release;
    await service.prepare({ VERSION: '2' });
    await service.start();
    await service.switch();
    expect((await get()).version).toBe('2');
    await machine.fillDisk();
    try {
      await service.undo();
      expect((await get()).version).toBe('1');
      expect(await service.containers()).toEqual([`${first} running`]);
    } finally {
      await machine.freeDisk();
    }
  });

  it('are taken by compose 2 too, and by a user who has sudo alone', async () => {
    const other = await lab.host({ compose: 'v2', access: 'sudo' });
    const service = new DeployedService(other, image, { replicas: 2 });
    open.push(service);
    await service.lock();
    await service.deploy({ VERSION: '1' });
    await service.deploy({ VERSION: '2' });
    expect(await service.truth()).toMatchObject({ current: service.release, serving: service.release });
    const response = await fetch(other.url(8080), { headers: { connection: 'close' } });
    expect(await response.json()).toMatchObject({ version: '2' });
  });
});
