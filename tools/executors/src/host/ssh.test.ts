import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openHost, SessionHost, sshTransport, type HostOptions } from './host.ts';
import { fakeDocker, type FakeDocker } from './testing/fake-docker.ts';
import { freePort, noSshd, startSshd, type TestSshd } from './testing/sshd.ts';
import { stateFolder } from './testing/state-folder.ts';
import type { Host, PhaseName } from './types.ts';

describe.skipIf(noSshd)(`a host by ssh${noSshd === undefined ? '' : ` (left out: ${noSshd})`}`, () => {
  let world: string;
  let docker: FakeDocker;
  let sshd: TestSshd;
  let root: string;
  let hosts: Host[] = [];
  let rooms = 0;

  beforeAll(async () => {
    world = mkdtempSync(join(tmpdir(), 'host-'));
    docker = fakeDocker(join(world, 'docker'));
    sshd = await startSshd({
      PATH: `${docker.path.join(':')}:${process.env['PATH']}`,
      ...(docker.env as Record<string, string>),
    });
  });
  afterAll(async () => {
    await sshd?.stop();
    rmSync(world, { recursive: true, force: true });
  });
  beforeEach(() => {
    rooms += 1;
    root = join(world, `root-${rooms}`);
    rmSync(join(docker.folder, 'containers'), { recursive: true });
    mkdirSync(join(docker.folder, 'containers'));
  });
  afterEach(async () => {
    await Promise.all(hosts.map((host) => host.close()));
    hosts = [];
    const guardian = Number(/^\d+/.exec(read('run/guardian'))?.[0] ?? 0);
    if (guardian > 0 && alive(guardian)) process.kill(guardian, 'SIGKILL');
  });

  const options = (more: Partial<HostOptions> = {}): HostOptions => ({
    name: 'box',
    sshConfig: sshd.config,
    root,
    service: 'api',
    environment: 'staging',
    run: 'run-1',
    ...more,
  });
  async function host(more: Partial<HostOptions> = {}): Promise<Host> {
    const opened = await openHost(options(more));
    hosts.push(opened);
    return opened;
  }
  function scripted(script: (phase: PhaseName) => string, more: Partial<HostOptions> = {}): Host {
    const opened = new SessionHost(options(more), { ...sshTransport(options(more)), script });
    hosts.push(opened);
    return opened;
  }
  const folder = () => stateFolder(root).folder();
  const read = (file: string) => stateFolder(root).read(file);
  const lock = (of: Host, ttl = 60) => of.run('lock', { values: { OWNER: 'ann', TTL: String(ttl) } });
  const truth = async (of: Host) =>
    Object.fromEntries((await of.run('truth')).facts.map((f) => [f.key, f.value]));

  it('carries phases, values, input and their lines by one execution', async () => {
    const box = scripted(() => 'cat; printf "%s\\n" "$SLUICE_VALUE"; fake=1; echo "$PWD"');
    const value = '$(id) `id` \'"\n\\ ünï -x';
    for (let i = 0; i < 3; i += 1) {
      const { log } = await box.run('truth', { values: { VALUE: value }, stdin: 'input\n' });
      expect(log.slice(0, 3).join('\n')).toBe(`input\n${value}`);
    }
    expect(box.executions).toBe(1);
  });

  it('needs the system’s ssh', async () => {
    const before = process.env['PATH'];
    process.env['PATH'] = world;
    try {
      await expect((await host()).run('truth')).rejects.toMatchObject({ code: 'SSH_MISSING' });
    } finally {
      process.env['PATH'] = before;
    }
  });

  describe('refused connections', () => {
    const failing = async (more: Partial<HostOptions>) => {
      const box = await host(more);
      const error = await box.run('truth').then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      return error;
    };

    it('an unknown host key', async () => {
      const sshConfig = sshd.configWith('unknown', { UserKnownHostsFile: join(sshd.folder, 'empty') });
      expect(await failing({ sshConfig })).toMatchObject({
        code: 'HOST_KEY_UNKNOWN',
        next: expect.stringContaining(`ssh -F ${sshConfig} box`),
        transient: false,
      });
    });

    it('a key that is refused', async () => {
      const sshConfig = sshd.configWith('stranger', { IdentityFile: join(sshd.folder, 'stranger') });
      expect(await failing({ sshConfig })).toMatchObject({ code: 'HOST_REFUSED_KEY', transient: false });
    });

    it('nobody listens', async () => {
      const sshConfig = sshd.configWith('closed', { Port: String(await freePort()) });
      expect(await failing({ sshConfig })).toMatchObject({ code: 'HOST_UNREACHABLE', transient: true });
    });

    it('a name that does not exist', async () => {
      const sshConfig = sshd.configWith('nowhere', { HostName: 'host.invalid' });
      expect(await failing({ sshConfig })).toMatchObject({ code: 'HOST_UNREACHABLE' });
    });

    it('somebody who listens and says nothing', async () => {
      const sockets: Socket[] = [];
      const silent = createServer((socket) => sockets.push(socket));
      await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
      const { port } = silent.address() as { port: number };
      const sshConfig = sshd.configWith('silent', { Port: String(port) });
      expect(await failing({ sshConfig, connectTimeoutSeconds: 1 })).toMatchObject({
        code: 'HOST_UNREACHABLE',
        transient: true,
      });
      for (const socket of sockets) socket.destroy();
      silent.close();
    });

    it('a config that ssh cannot read', async () => {
      const sshConfig = sshd.configWith('bad', { NoSuchOption: 'yes' });
      expect(await failing({ sshConfig })).toMatchObject({ code: 'SSH_CONFIG_INVALID' });
      expect(await failing({ sshConfig: join(sshd.folder, 'none') })).toMatchObject({
        code: 'SSH_CONFIG_INVALID',
      });
    });

    it('a name that ssh would take for an option', async () => {
      const name = '-oProxyCommand=touch pwned';
      await expect(openHost(options({ name }))).rejects.toMatchObject({ code: 'HOST_NAME_INVALID' });
    });
  });

  it('takes commands from the config for none of its own', async () => {
    const sshConfig = sshd.configWith('own', {
      RemoteCommand: 'echo mine',
      RequestTTY: 'force',
      ControlMaster: 'auto',
      ControlPath: join(sshd.folder, 'mine'),
      ControlPersist: 'yes',
      StrictHostKeyChecking: 'no',
      LogLevel: 'QUIET',
    });
    expect(await truth(await host({ sshConfig }))).toMatchObject({ current: '' });
    expect(existsSync(join(sshd.folder, 'mine'))).toBe(false);
  });

  it('lets the host reach a port of this machine’s loopback', async () => {
    // The host is this machine here, so that only a port that is free on it can be forwarded: the forward itself is seen.
    const port = await freePort();
    const box = scripted(
      () => `awk -v "port=$(printf %04X ${port})" '$2 ~ ":" port "$" { print "forwarded" }' /proc/net/tcp`,
      {
        forwards: [port],
      },
    );
    expect((await box.run('truth')).log).toEqual(['forwarded']);
  });

  it('shares a forwarded port with another connection, and takes it over where that one is gone', async () => {
    const port = await freePort();
    const open = () =>
      scripted(
        () =>
          `awk -v "port=$(printf %04X ${port})" '$2 ~ ":" port "$" && $4 == "0A" { found = 1 } END { print found + 0 }' /proc/net/tcp; ${breaks}`,
        { forwards: [port] },
      );
    let breaks = '';
    const [first, second] = [open(), open()];
    expect((await first.run('truth')).log).toEqual(['1']);
    const seen: string[] = [];
    const pull = () => second.run('pull', { onLine: (line) => seen.push(line) });
    expect((await pull()).log).toEqual(['1']);
    // Nothing is wrong, so nothing is said; a pull that fails says why it may have.
    expect(seen).toEqual(['1']);
    breaks = 'exit 7';
    await pull().catch(() => undefined);
    breaks = '';
    expect(seen.at(-1)).toContain(`remote port forwarding failed for listen port ${port}`);
    await first.close();
    await poll(async () => expect((await second.run('truth')).log).toEqual(['0']));
    seen.length = 0;
    expect((await pull()).log).toEqual(['1']);
    expect(seen).toEqual(['1']);
    expect([first.executions, second.executions]).toEqual([1, 1]);
  });

  describe('a connection that is cut', () => {
    it('is told, is made anew, and what it left running is waited for', async () => {
      const done = join(world, `done-${rooms}`);
      const slow = `echo running; sleep 1.5; echo finished >"${done}"; echo to nobody`;
      const real = await host();
      await lock(real);
      const box = scripted((phase) => (phase === 'pull' ? slow : `cat "${done}"`));
      let ended = 0;
      const cut = box.run('pull', {
        onLine: (line) => {
          if (line === 'running') ended += sshd.cut();
        },
      });
      await expect(cut).rejects.toMatchObject({ code: 'CONNECTION_LOST', transient: true });
      expect(ended).toBeGreaterThan(0);
      expect(existsSync(done)).toBe(false);
      const next = await box.run('start');
      expect(next.log).toEqual(['waiting for "pull", which was cut off from its deployer', 'finished']);
      expect(box.executions).toBe(2);
      const back = await host();
      await back.run('unlock');
    });

    it('ends what does not end by itself, before the next phase', async () => {
      await lock(await host());
      const box = scripted((phase) => (phase === 'pull' ? 'echo $$; sleep 300' : 'echo next'));
      let pid = 0;
      const cut = box.run('pull', {
        onLine: (line) => {
          pid = Number(line);
          sshd.cut();
        },
      });
      await expect(cut).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
      expect(alive(pid)).toBe(true);
      expect((await box.run('start')).log.at(-1)).toBe('next');
      expect(alive(pid)).toBe(false);
      await (await host()).run('unlock');
    });

    it('leaves the lock to the run that comes back within the lease', async () => {
      const box = await host();
      await lock(box, 3);
      box.startHeartbeat(300);
      expect(box.executions).toBe(1);
      sshd.cut();
      // The heartbeat itself cannot reconnect: it is the next phase that does.
      await expect(poll(() => truth(box))).resolves.toMatchObject({
        lock: expect.stringContaining('"state":"held"'),
      });
      await sleep(4_000);
      expect(JSON.parse((await truth(box))['lock'] ?? '{}')).toMatchObject({ state: 'held', run: 'run-1' });
      expect((await box.run('unlock')).facts).toEqual([{ key: 'unlocked', value: 'run-1' }]);
    });
  });

  it('takes its forwarded port over from a connection of which the host does not know that it is dead', async () => {
    const port = await freePort();
    const relay = await startRelay(sshd.port);
    const sshConfig = sshd.configWith('relay', {
      Port: String(relay.port),
      HostKeyAlias: `[127.0.0.1]:${sshd.port}`,
    });
    await lock(await host());
    const box = scripted(
      () =>
        `awk -v "port=$(printf %04X ${port})" '$2 ~ ":" port "$" { found = 1 } END { print found + 0 }' /proc/net/tcp`,
      { sshConfig, forwards: [port] },
    );
    box.startHeartbeat(100);
    await poll(async () => expect(read('run/session')).not.toBe(''));
    expect((await box.run('truth')).log).toEqual(['1']);
    box.stopHeartbeat();
    relay.cutOurSide();
    await poll(async () => {
      const seen: string[] = [];
      const { log } = await box.run('truth', { onLine: (line) => seen.push(line) });
      expect([log, seen]).toEqual([['1'], ['1']]);
      expect(box.executions).toBe(3);
    }, 5_000);
    await relay.stop();
    await (await host()).run('unlock');
  });

  describe('a deployer', () => {
    const start = async (run: string, ttl: number) => {
      const child = spawn(
        process.execPath,
        [
          join(import.meta.dirname, 'testing/deployer.ts'),
          JSON.stringify({ ...options({ run }), ttl, everyMs: 300 }),
        ],
        { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, TMPDIR: world } },
      );
      const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
      await new Promise<void>((resolve, reject) => {
        child.stdout.once('data', () => resolve());
        child.once('exit', (code) => reject(new Error(`the deployer ended with ${code}`)));
      });
      return { child, ended };
    };
    const midway = () => {
      for (const release of ['1', '2']) {
        mkdirSync(join(folder(), 'releases', release), { recursive: true });
        writeFileSync(
          join(folder(), 'releases', release, 'state'),
          release === '1' ? 'serving\n' : 'started\n',
        );
        docker.add(`c${release}`, { release });
      }
      writeFileSync(join(folder(), 'current'), '1\n');
    };

    it('that is killed leaves a host that puts itself back', async () => {
      midway();
      const { child, ended } = await start('run-1', 2);
      // Another one is told who is at it.
      await expect(lock(await host({ run: 'run-2' }))).rejects.toMatchObject({
        code: 'LOCK_HELD',
        message: expect.stringContaining(`run run-1 of deployer ${child.pid}`),
      });
      await sleep(3_000);
      expect(docker.containers()).toEqual(['c1', 'c2']);
      child.kill('SIGKILL');
      await ended;
      await poll(async () => {
        if (existsSync(join(folder(), 'lock'))) throw new Error('still locked');
      });
      expect(docker.containers()).toEqual(['c1']);
      expect(read('releases/2/state')).toBe('failed\n');
      expect(read('journal')).toContain(' run-1 guardian done');
      const next = await host({ run: 'run-2' });
      await lock(next);
      await next.run('unlock');
    });

    it('that is asked to go gives the lock back at once', async () => {
      midway();
      const { child, ended } = await start('run-1', 60);
      child.kill('SIGTERM');
      expect(await ended).toBe(143);
      expect(existsSync(join(folder(), 'lock'))).toBe(false);
      expect(docker.containers()).toEqual(['c1']);
    });
  });

  // Last, because this machine's key of it is another one afterwards.
  it('stops before a host key that has changed', async () => {
    await sshd.changeHostKey();
    const box = await host();
    await expect(box.run('truth')).rejects.toMatchObject({
      code: 'HOST_KEY_CHANGED',
      transient: false,
      next: expect.stringContaining('ssh-keygen -R'),
    });
  });
});

async function poll<T>(ask: () => Promise<T>, ms = 15_000): Promise<T> {
  const end = performance.now() + ms;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (performance.now() > end) throw error;
      await sleep(100);
    }
  }
}

function alive(pid: number): boolean {
  return !/^(?:Z|X|)$/.test(
    spawnSync('ps', ['-o', 's=', '-p', String(pid)])
      .stdout.toString()
      .trim(),
  );
}

/** Hands bytes on in both directions, and can cut one side so that the other does not notice. */
async function startRelay(to: number) {
  const pairs: [Socket, Socket][] = [];
  const server = createServer((ours) => {
    const theirs = connect(to, '127.0.0.1');
    pairs.push([ours, theirs]);
    for (const socket of [ours, theirs]) socket.on('error', () => {});
    ours.on('data', (chunk) => theirs.write(chunk));
    theirs.on('data', (chunk) => ours.write(chunk));
    theirs.on('close', () => ours.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as { port: number }).port,
    cutOurSide: () => {
      for (const [ours] of pairs) ours.destroy();
    },
    stop: async () => {
      for (const [ours, theirs] of pairs) {
        ours.destroy();
        theirs.destroy();
      }
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
