import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { describeRegistries, leaseLocalRegistries, registriesText, resetLocalRegistries } from './index.ts';
import type { LocalLease, LocalRegistry } from './index.ts';
import { localPaths, type LocalPaths } from './paths.ts';
import { call, publish } from './testing/calls.ts';
import { findVerdaccio } from './verdaccio.ts';

const PATH = '/@acme%2fmoney';
const STAGES = ['github', 'test', 'public'];
const env = { ...process.env, SLUICE_LOCAL_LINGER_MS: '0' };

let root: string;
let paths: LocalPaths;
let leases: LocalLease[];
let children: ChildProcess[];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sluice-local-'));
  paths = localPaths(root);
  [leases, children] = [[], []];
});
afterEach(async () => {
  await Promise.all(leases.map((lease) => lease.release()));
  for (const child of children) child.kill('SIGKILL');
  await until(() => !existsSync(paths.lock) || !isAlive(lastPid));
  await rm(root, { recursive: true, force: true });
});

async function lease(stages = STAGES, pipeline = STAGES): Promise<LocalLease> {
  const made = await leaseLocalRegistries({ workspaceRoot: root, stages, pipeline, env });
  leases.push(made);
  return made;
}
const at = (lease: LocalLease, stage: string): LocalRegistry => lease.addresses.get(stage)!;

async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 1000 && !holds(); i++) await pause(10);
  expect(holds()).toBe(true);
}
let lastPid = 0;
async function serverPid(): Promise<number> {
  lastPid = Number.parseInt(await readFile(paths.lock, 'utf8'), 10);
  return lastPid;
}
function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** A process of its own that takes a lease, prints the addresses, and keeps the lease (or ends at once). */
async function otherProcess(
  then: 'stay' | 'end',
): Promise<{ child: ChildProcess; urls: string[]; ended: Promise<number | null> }> {
  const index = pathToFileURL(join(import.meta.dirname, 'index.ts')).href;
  const code = `
    const { leaseLocalRegistries } = await import(${JSON.stringify(index)});
    const lease = await leaseLocalRegistries({ workspaceRoot: ${JSON.stringify(root)}, stages: ${JSON.stringify(STAGES)} });
    console.log(JSON.stringify([...lease.addresses.values()].map((a) => a.url)));
    ${then === 'stay' ? 'setInterval(() => {}, 1000);' : ''}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const ended = new Promise<number | null>((done) => child.once('exit', (exit) => done(exit)));
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (part: string) => (text += part));
  await until(() => text.endsWith('\n'));
  return { child, urls: JSON.parse(text) as string[], ended };
}

describe('sharing', () => {
  test('several processes at once get the same registries, which outlive none of them', async () => {
    const [one, two, mine] = await Promise.all([otherProcess('stay'), otherProcess('stay'), lease()]);
    expect(one.urls).toEqual(STAGES.map((stage) => at(mine, stage).url));
    expect(two.urls).toEqual(one.urls);
    const pid = await serverPid();
    const started = (await readFile(paths.log, 'utf8')).match(/ github at /g);
    expect(started).toHaveLength(1);

    one.child.kill('SIGKILL');
    await mine.release();
    expect((await call(at(mine, 'public'), '/-/ping')).status).toBe(200);
    two.child.kill('SIGKILL');
    await until(() => !isAlive(pid));
    expect(existsSync(paths.state)).toBe(false);
    expect(existsSync(paths.lock)).toBe(false);
  });

  test('an open lease lets its process end, and ends with it', async () => {
    const { ended } = await otherProcess('end');
    expect(await ended).toBe(0);
    await until(() => !existsSync(paths.lock));
  });

  test('a stage that is asked for later joins the ones that run', async () => {
    const first = await lease(['github']);
    const pid = await serverPid();
    const second = await lease(['github', 'public']);
    expect(at(second, 'github').url).toBe(at(first, 'github').url);
    expect(await serverPid()).toBe(pid);
    expect((await call(at(second, 'public'), '/-/ping')).status).toBe(200);
  });

  test('no stage, no process', async () => {
    const none = await lease([]);
    expect(none.addresses.size).toBe(0);
    expect(existsSync(paths.folder)).toBe(false);
  });

  test('secrets lie in files that only their owner reads, and not in what describes the registries', async () => {
    const mine = await lease();
    await serverPid();
    const token = at(mine, 'test').token.reveal();
    for (const file of ['registries.json', 'npmrc', 'test/credentials.json', 'test/htpasswd']) {
      const { mode } = await stat(join(paths.folder, file));
      expect({ file, others: mode & 0o077 }).toEqual({ file, others: 0 });
    }
    expect(await readFile(paths.npmrc, 'utf8')).toContain(
      `${at(mine, 'test').url.replace('http:', '')}/:_authToken=${token}\n`,
    );
    const described = describeRegistries(root, STAGES, mine);
    expect(JSON.stringify(described) + registriesText(root, described)).not.toContain(token);
    expect(await readFile(paths.log, 'utf8')).not.toContain(token);
  });
});

describe('between commands', () => {
  test('storage and tokens stay; a reset takes them away', async () => {
    const first = await lease();
    const token = at(first, 'test').token.reveal();
    const pid = await serverPid();
    expect((await publish(at(first, 'test'), '@acme/money', token)).status).toBe(201);
    await first.release();
    await until(() => !isAlive(pid));

    const second = await lease();
    await serverPid();
    expect(at(second, 'test').token.reveal()).toBe(token);
    const held = (await (await call(at(second, 'test'), PATH, { token })).json()) as { versions: object };
    expect(Object.keys(held.versions)).toEqual(['1.0.0']);
    expect(registriesText(root, describeRegistries(root, STAGES, second))).toContain(
      `npm view @acme/money --registry ${at(second, 'test').url} --userconfig .sluice/local/npmrc`,
    );

    await expect(resetLocalRegistries(root)).rejects.toMatchObject({ code: 'LOCAL_REGISTRIES_BUSY' });
    await second.release();
    await writeFile(join(paths.folder, 'not-ours'), '');
    await mkdir(join(paths.folder, 'other'), { recursive: true });
    await mkdir(paths.ledger);
    expect(await resetLocalRegistries(root)).toEqual(['github', 'public', 'test']);
    expect((await readdir(paths.folder)).sort()).toEqual(['not-ours', 'other', 'registries.log']);
    const third = await lease();
    await serverPid();
    expect((await call(at(third, 'test'), PATH, { token: at(third, 'test').token.reveal() })).status).toBe(
      404,
    );
  });

  test('a server that was killed is replaced, with the same tokens and storage', async () => {
    const first = await lease();
    const token = at(first, 'public').token.reveal();
    expect((await publish(at(first, 'public'), '@acme/money', token)).status).toBe(201);
    const pid = await serverPid();
    process.kill(pid, 'SIGKILL');
    await first.closed;
    const second = await lease();
    expect(await serverPid()).not.toBe(pid);
    expect(at(second, 'public').token.reveal()).toBe(token);
    expect((await call(at(second, 'public'), PATH)).status).toBe(200);
  });

  test('a server whose folder disappears ends, although somebody holds a lease', async () => {
    const mine = await lease(['github']);
    const pid = await serverPid();
    await rm(paths.folder, { recursive: true });
    await mine.closed;
    await until(() => !isAlive(pid));
    expect(existsSync(paths.folder)).toBe(false);
  });
});

describe('what can go wrong', () => {
  test('a taken port is replaced by a free one, and it says so', async () => {
    const taken = createServer();
    await new Promise<void>((done) => taken.listen(0, '127.0.0.1', done));
    const { port } = taken.address() as AddressInfo;
    await mkdir(join(root, 'verdaccio'));
    await writeFile(
      join(root, 'verdaccio', 'own.yaml'),
      `listen: 127.0.0.1:${port}\npackages: { '**': { access: $all } }\n`,
    );
    const mine = await lease(['own']);
    taken.close();
    await serverPid();
    expect(mine.notes).toEqual([`port ${port} is taken: the registry of own is at ${at(mine, 'own').url}`]);
    expect((await call(at(mine, 'own'), '/-/ping')).status).toBe(200);
  });

  test('a file that is no configuration: the error holds the reason and the log', async () => {
    await mkdir(join(root, 'verdaccio'));
    await writeFile(join(root, 'verdaccio', 'github.yaml'), 'packages: [oops\n');
    const error = await lease(['github']).catch((e: unknown) => e as Error & { format(): string });
    expect(error).toMatchObject({ code: 'LOCAL_REGISTRIES_FAILED', exit: 1 });
    expect((error as { format(): string }).format()).toContain(paths.log);
    expect((error as Error).message).toContain('verdaccio/github.yaml');
  });

  test('never waits longer than it is told: a live process holds the lock and never answers', async () => {
    await mkdir(paths.folder, { recursive: true });
    await writeFile(paths.lock, `${process.pid} silent`);
    const waiting = leaseLocalRegistries({ workspaceRoot: root, stages: ['github'], env, readyWithin: 100 });
    await expect(waiting).rejects.toMatchObject({
      code: 'LOCAL_REGISTRIES_FAILED',
      message: expect.stringContaining('not ready within 0.1 seconds'),
    });
    await rm(paths.lock);
  });

  test('Verdaccio is not installed', () => {
    expect(() => findVerdaccio(root, [join(root, 'package.json')])).toThrow(
      expect.objectContaining({
        code: 'VERDACCIO_MISSING',
        exit: 2,
        next: 'npm install --save-dev verdaccio',
      }),
    );
  });
});
