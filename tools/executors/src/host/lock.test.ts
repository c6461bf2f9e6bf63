import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { fakeDocker } from './testing/fake-docker.ts';
import { openLocalHost, type LocalHostOptions } from './testing/local-host.ts';
import { shellFolder, shells } from './testing/shells.ts';
import { stateFolder } from './testing/state-folder.ts';
import type { Host } from './types.ts';

/** What each test has for itself: a host of its own, on this machine. They wait for most of their time, and so run side by side. */
function makeRoom() {
  const root = mkdtempSync(join(tmpdir(), 'host-'));
  const docker = fakeDocker(join(root, 'docker'));
  const hosts: Host[] = [];
  const { folder, read } = stateFolder(root);
  const deployer = async (run: string, options: Partial<LocalHostOptions> = {}): Promise<Host> => {
    const { path = [], ...rest } = options;
    const host = await openLocalHost({
      root,
      run,
      path: [...path, ...docker.path],
      env: docker.env,
      ...rest,
    });
    hosts.push(host);
    return host;
  };
  return {
    root,
    docker,
    folder,
    read,
    deployer,
    /** A host on which release 1 serves, and release 2 was started by this run. */
    midway: () => {
      for (const [release, state] of [
        ['1', 'serving'],
        ['2', 'started'],
      ] as const) {
        mkdirSync(join(folder(), 'releases', release), { recursive: true });
        writeFileSync(join(folder(), 'releases', release, 'state'), `${state}\n`);
        docker.add(`c${release}`, { release });
      }
      writeFileSync(join(folder(), 'current'), '1\n');
      docker.add('db', {});
    },
    restored: () => {
      expect(docker.containers()).toEqual(['c1', 'db']);
      expect(read('releases/2/state')).toBe('failed\n');
      expect(read('releases/1/state')).toBe('serving\n');
      expect(read('current')).toBe('1\n');
    },
    locked: () => existsSync(join(folder(), 'lock')),
    /** As if the last heartbeat was long ago. */
    age: (seconds: number) => {
      const then = Date.now() / 1000 - seconds;
      utimesSync(join(folder(), 'lock/lease'), then, then);
    },
    killGuardian: () => process.kill(Number(read('run/guardian').split(' ')[0]), 'SIGKILL'),
    close: async () => {
      await Promise.all(hosts.map((host) => host.close()));
      const guardian = /^\d+/.exec(read('run/guardian'))?.[0];
      if (guardian !== undefined && alive(Number(guardian))) process.kill(Number(guardian), 'SIGKILL');
      rmSync(root, { recursive: true, force: true });
    },
  };
}
const it = test.extend<{ room: ReturnType<typeof makeRoom> }>({
  // oxlint-disable-next-line no-empty-pattern -- vitest reads which fixtures it takes
  room: async ({}, use) => {
    const room = makeRoom();
    await use(room);
    await room.close();
  },
});

const lock = (host: Host, ttl = 60, owner = 'ann@laptop') =>
  host.run('lock', { values: { OWNER: owner, TTL: String(ttl) } });

async function until(holds: () => boolean, ms = 15_000): Promise<void> {
  const end = performance.now() + ms;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`did not come true: ${holds.toString()}`);
    await sleep(30);
  }
}
function alive(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}
describe.concurrent.each(shells)('the lock, by $name', ({ program }) => {
  const shell = (root: string) => ({ path: [shellFolder(join(root, 'shell'), program)] });

  it('is taken once, and given back with its guardian', async ({
    room: { root, read, deployer, locked },
  }) => {
    const first = await deployer('run-1', shell(root));
    expect((await lock(first, 60, "o'ann $(id)\nx")).facts).toEqual([{ key: 'locked', value: 'run-1' }]);
    expect(read('lock/run')).toBe('run-1\n');
    const guardian = Number(read('run/guardian').split(' ')[0]);
    expect(alive(guardian)).toBe(true);
    // Again by the same run, as after a lost connection.
    await lock(first);
    expect(Number(read('run/guardian').split(' ')[0])).toBe(guardian);

    const second = await deployer('run-2', shell(root));
    await expect(lock(second)).rejects.toMatchObject({
      code: 'LOCK_HELD',
      transient: false,
      details: { owner: "o'ann $(id)", run: 'run-1', ttl: '60' },
    });
    await expect(second.run('unlock')).rejects.toMatchObject({ code: 'LOCK_LOST' });
    expect((await first.run('unlock')).facts).toEqual([{ key: 'unlocked', value: 'run-1' }]);
    expect(locked()).toBe(false);
    await until(() => !alive(guardian));
    expect((await first.run('unlock')).facts).toEqual([]);
    await lock(second);
    await second.run('unlock');
    expect(
      read('journal')
        .match(/^\S+ \S+ \S+ \S+/gm)
        ?.map((line) => line.split(' ').slice(1).join(' ')),
    ).toEqual([
      'run-1 lock done',
      'run-1 lock done',
      'run-1 unlock done',
      'run-2 lock done',
      'run-2 unlock done',
    ]);
  });

  it('is put back by its guardian when the heartbeat stays away', async ({
    room: { root, read, deployer, midway, restored, locked },
  }) => {
    midway();
    const host = await deployer('run-1', shell(root));
    await lock(host, 1);
    await host.close();
    await until(() => !locked());
    restored();
    expect(read('journal')).toMatch(
      /run-1 guardian began .*\n(.*\n)*.*run-1 undo done 1\n.*run-1 guardian done\n$/,
    );
  });

  it('goes to the next run when it is expired and nobody looks after it, after an undo', async ({
    room: { root, read, deployer, midway, restored, age, killGuardian },
  }) => {
    midway();
    const dead = await deployer('run-1', shell(root));
    await lock(dead, 5);
    await dead.close();
    killGuardian();
    age(6);
    const next = await deployer('run-2', shell(root));
    const { facts } = await lock(next);
    expect(facts).toContainEqual({ key: 'taken_over', value: 'run-1' });
    expect(facts).toContainEqual({ key: 'locked', value: 'run-2' });
    restored();
    expect(read('lock/run')).toBe('run-2\n');
    await next.run('unlock');
  });
});

describe.concurrent('the lock', () => {
  // Alone, for a beat must not come late.
  it(
    'is kept by the heartbeat',
    { concurrent: false },
    async ({ room: { docker, deployer, midway, restored, locked } }) => {
      midway();
      const host = await deployer('run-1');
      await lock(host, 1);
      host.startHeartbeat(250);
      await sleep(3_500);
      expect(docker.containers()).toEqual(['c1', 'c2', 'db']);
      expect(locked()).toBe(true);
      host.stopHeartbeat();
      await until(() => !locked());
      restored();
      await expect(host.run('undo')).rejects.toMatchObject({ code: 'LOCK_LOST' });
    },
  );

  it('is not held without its guardian, who would put everything back', async ({
    room: { root, docker, deployer, midway, locked },
  }) => {
    midway();
    const path = join(root, 'without');
    mkdirSync(path);
    writeFileSync(join(path, 'nohup'), '#!/bin/sh\necho "nohup: not today" >&2\n', { mode: 0o755 });
    const host = await deployer('run-1', { path: [path] });
    await expect(lock(host)).rejects.toMatchObject({
      code: 'GUARDIAN_MISSING',
      message: expect.stringContaining('not today'),
    });
    expect(docker.containers()).toEqual(['c1', 'c2', 'db']);
    expect(locked()).toBe(false);
    await lock(await deployer('run-2'));
  });

  it('is one run’s when many want it at once', async ({ room: { read, deployer } }) => {
    const runs = await Promise.all(Array.from({ length: 8 }, (_, i) => deployer(`run-${i}`)));
    const got = await Promise.allSettled(runs.map((host) => lock(host)));
    const winners = got.flatMap((result, i) => (result.status === 'fulfilled' ? [i] : []));
    expect(winners).toHaveLength(1);
    const codes = got.flatMap((result) => (result.status === 'rejected' ? [result.reason.code] : []));
    expect(codes).toEqual(Array.from({ length: 7 }, () => 'LOCK_HELD'));
    expect(read('lock/run')).toBe(`run-${winners[0]}\n`);
    await runs[winners[0] as number]?.run('unlock');
  });

  it('is put back once when several find it expired', async ({
    room: { read, deployer, midway, restored, age, killGuardian },
  }) => {
    midway();
    const dead = await deployer('dead');
    await lock(dead, 2);
    await dead.close();
    killGuardian();
    age(3);
    const runs = await Promise.all(Array.from({ length: 5 }, (_, i) => deployer(`run-${i}`)));
    const got = await Promise.allSettled(runs.map((host) => lock(host)));
    expect(got.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
    restored();
    expect(read('journal').match(/ dead undo done/g)).toHaveLength(1);
    const holder = runs[got.findIndex((result) => result.status === 'fulfilled')];
    await holder?.run('unlock');
  });

  it('ends the phase of a dead run before it puts it back', async ({
    room: { deployer, midway, restored, locked },
  }) => {
    midway();
    const dead = await deployer('run-1', {
      script: (phase) => (phase === 'pull' ? 'echo $$; sleep 300' : ''),
    });
    const real = await deployer('run-1');
    await lock(real, 1);
    let pid = 0;
    const cut = dead.run('pull', { onLine: (line) => (pid = Number(line)) });
    await until(() => pid > 0);
    await Promise.all([dead.close(), expect(cut).rejects.toMatchObject({ code: 'CONNECTION_LOST' })]);
    expect(alive(pid)).toBe(true);
    await until(() => !locked());
    expect(alive(pid)).toBe(false);
    restored();
  });

  it('tries again while the engine is down, and holds others off meanwhile', async ({
    room: { docker, read, deployer, midway, restored, locked },
  }) => {
    midway();
    const host = await deployer('run-1');
    await lock(host, 1);
    await host.close();
    writeFileSync(join(docker.folder, 'down'), '');
    await until(() => read('journal').includes('guardian began'));
    const truth = (await (await deployer('run-2')).run('truth')).facts;
    expect(truth.find(({ key }) => key === 'lock')?.value).toMatch(/"state":"undoing".*"run":"run-1"/);
    expect(truth.find(({ key }) => key === 'engine_down')?.value).toMatch(/Cannot connect/);
    rmSync(join(docker.folder, 'down'));
    await until(() => !locked());
    restored();
  });

  it('says that a host could not be put back, and leaves it to the next run', async ({
    room: { docker, deployer, midway, restored, locked, age, killGuardian },
  }) => {
    midway();
    const dead = await deployer('run-1');
    await lock(dead, 2);
    await dead.close();
    killGuardian();
    age(3);
    writeFileSync(join(docker.folder, 'down'), '');
    const next = await deployer('run-2');
    await expect(lock(next)).rejects.toMatchObject({
      code: 'UNDO_FAILED',
      details: { run: 'run-1', current: '1' },
    });
    expect(locked()).toBe(true);
    rmSync(join(docker.folder, 'down'));
    await lock(next);
    restored();
    await next.run('unlock');
  });

  it('that somebody died of making is made anew', async ({ room: { folder, read, deployer } }) => {
    mkdirSync(join(folder(), 'lock'), { recursive: true });
    const long = Date.now() / 1000 - 60;
    utimesSync(join(folder(), 'lock'), long, long);
    const host = await deployer('run-1');
    await lock(host);
    expect(read('lock/run')).toBe('run-1\n');
    await host.run('unlock');
  });

  it('says at once why it cannot be made', async ({ room: { folder, deployer } }) => {
    const host = await deployer('run-1');
    mkdirSync(folder(), { recursive: true });
    // Nobody's lock, and no place for one.
    symlinkSync('nowhere', join(folder(), 'lock'));
    await expect(lock(host)).rejects.toMatchObject({
      code: 'PHASE_FAILED',
      message: expect.stringMatching(/lock.*exists/i),
    });
  });

  it('that a full disk left half made is taken away, and the disk named', async ({
    room: { root, read, deployer, locked },
  }) => {
    const full = join(root, 'full');
    mkdirSync(full);
    const program = `#!/bin/sh\ncase $1 in */run) echo "mkdir: $1: No space left on device" >&2; exit 1 ;; esac\nexec /bin/mkdir "$@"\n`;
    writeFileSync(join(full, 'mkdir'), program, { mode: 0o755 });
    const host = await deployer('run-1', { path: [full] });
    await expect(lock(host)).rejects.toMatchObject({ code: 'HOST_DISK_FULL' });
    expect(locked()).toBe(false);
    rmSync(full, { recursive: true });
    await lock(host);
    expect(read('lock/run')).toBe('run-1\n');
  });

  it('leaves nothing behind but journal and the guardian’s files', async ({ room: { folder, deployer } }) => {
    const host = await deployer('run-1');
    await lock(host);
    await host.run('unlock');
    expect(readdirSync(folder()).sort()).toEqual(['journal', 'run']);
  });
});

describe.concurrent('undo', () => {
  const undo = async (host: Host) => {
    const { facts } = await host.run('undo');
    return facts.map(({ key, value }) => `${key} ${value}`);
  };

  it('puts back what the journal tells, once', async ({ room: { folder, deployer, midway, restored } }) => {
    midway();
    const host = await deployer('run-1');
    await lock(host);
    mkdirSync(join(folder(), 'releases/3.tmp'), { recursive: true });
    const line = (step: string) => `2026-01-01T00:00:00Z run-1 ${step} done\n`;
    writeFileSync(join(folder(), 'journal'), ['prepare', 'start', 'switch'].map(line).join(''), {
      flag: 'a',
    });
    mkdirSync(join(folder(), 'backups'));
    writeFileSync(join(folder(), 'backups/b1.json'), '{\n  "run": "run-1"\n}\n');
    writeFileSync(join(folder(), 'backups/b2.json'), '{\n  "run": "run-0"\n}\n');
    expect(await undo(host)).toEqual(
      [
        'failed 2',
        'undone containers',
        'undone switch',
        'undone start',
        'undone prepare',
        'serving 1',
      ].filter((fact) => fact !== 'undone containers'),
    );
    restored();
    expect(readdirSync(join(folder(), 'releases')).sort()).toEqual(['1', '2']);
    expect(readdirSync(join(folder(), 'backups')).sort()).toEqual(['b1.json', 'b1.pinned', 'b2.json']);
    expect(await undo(host)).toEqual(['serving 1']);
    restored();
    await host.run('unlock');
  });

  it.for([
    ['migrate began 2 contract=yes', true],
    ['switch began 2 100% contract=yes', true],
    ['restore done shop', true],
    ['migrate began 2 contract=no', false],
    ['restore began file', false],
  ] as const)(
    'leaves all as it is after what the release before may not live with (%s: %s)',
    async ([line, left], { room: { docker, folder, deployer, midway } }) => {
      midway();
      const host = await deployer('run-1');
      await lock(host);
      writeFileSync(join(folder(), 'journal'), `2026-01-01T00:00:00Z run-1 ${line}\n`, { flag: 'a' });
      expect((await undo(host)).includes('left one-way')).toBe(left);
      expect(docker.containers()).toEqual(left ? ['c1', 'c2', 'db'] : ['c1', 'db']);
      await host.run('unlock');
    },
  );

  it('removes all of a first release, because there is nothing to go back to', async ({
    room: { docker, folder, deployer, midway },
  }) => {
    midway();
    rmSync(join(folder(), 'current'));
    rmSync(join(folder(), 'releases/1'), { recursive: true });
    rmSync(join(docker.folder, 'containers/c1'), { recursive: true });
    const host = await deployer('run-1');
    await lock(host);
    expect(await undo(host)).toEqual(['failed 2', 'serving ']);
    expect(docker.containers()).toEqual(['db']);
    await host.run('unlock');
  });

  it('of a first release is not done while the engine does not answer', async ({
    room: { docker, folder, deployer },
  }) => {
    mkdirSync(join(folder(), 'releases/2'), { recursive: true });
    docker.add('c2', { release: '2' });
    const host = await deployer('run-1');
    await lock(host);
    writeFileSync(join(docker.folder, 'down'), '');
    await expect(host.run('undo')).rejects.toMatchObject({ code: 'ENGINE_UNREACHABLE' });
    rmSync(join(docker.folder, 'down'));
    // It may go away at any moment.
    writeFileSync(join(docker.folder, 'fail-ps'), 'Cannot connect to the Docker daemon');
    await expect(host.run('undo')).rejects.toMatchObject({ code: 'PHASE_FAILED' });
    rmSync(join(docker.folder, 'fail-ps'));
    expect(docker.containers()).toEqual(['c2']);
    await host.run('undo');
    expect(docker.containers()).toEqual([]);
    await host.run('unlock');
  });

  it('starts the release before where its containers were stopped', async ({
    room: { docker, folder, deployer, midway },
  }) => {
    midway();
    docker.add('c1', { release: '1', state: 'exited' });
    const host = await deployer('run-1');
    await lock(host);
    await undo(host);
    const up = `compose -p api-staging-1 -f ${folder()}/releases/1/compose.yaml up -d`;
    expect(docker.calls()).toContain(up);
    await host.run('unlock');
  });

  it('frees the ports first where compose replaced the release in place', async ({
    room: { docker, folder, deployer, midway },
  }) => {
    midway();
    docker.add('c1', { release: '1', state: 'exited' });
    writeFileSync(join(folder(), 'releases/2/in-place'), '');
    const host = await deployer('run-1');
    await lock(host);
    await undo(host);
    const order = docker.calls().filter((call) => / up -d|^rm/.test(call));
    expect(order).toEqual(['rm --force --volumes c2', expect.stringContaining(' up -d')]);
    await host.run('unlock');
  });

  it('does not touch a host whose lock is not this run’s', async ({ room: { docker, deployer, midway } }) => {
    midway();
    await expect((await deployer('run-9')).run('undo')).rejects.toMatchObject({ code: 'LOCK_LOST' });
    expect(docker.containers()).toEqual(['c1', 'c2', 'db']);
  });
});
