import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LabHost } from './host.ts';
import { GATEWAY } from './machine.ts';

/** The one user of a registry with `auth`; its password as bcrypt, the only form that the registry reads. */
const TESTER = { user: 'tester', password: 'tester-password' };
const HTPASSWD = 'tester:$2y$05$abcdefghijklmnopqrstuuOHGaP7QPWk8uD6BmxRWtX/wO44CxO1y\n';

/** Debian's `docker-registry` (Distribution 2.8), over plain HTTP. */
export interface LabRegistry {
  /** `http://127.0.0.1:PORT`; images are named `127.0.0.1:PORT/...` on this machine, and on hosts behind `tunnelTo`. */
  readonly url: string;
  /** `127.0.0.1:PORT` */
  readonly address: string;
  /** `10.213.0.1:PORT`: the same registry for this machine and for the lab's hosts, whose engines take it without TLS. */
  readonly fromHosts: string;
  readonly port: number;
  readonly user?: string;
  readonly password?: string;
  /** Where its blobs are. */
  readonly storage: string;
  /** `127.0.0.1:PORT` on the host leads here (`ssh -R`), until the registry is closed. */
  tunnelTo(host: LabHost): Promise<void>;
  close(): Promise<void>;
}

/** A registry of its own, empty. With `auth` it wants `user` and `password`; without `deletes` it refuses to delete. */
export async function startRegistry(
  options: { auth?: boolean; deletes?: boolean } = {},
): Promise<LabRegistry> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-registry-'));
  const storage = join(folder, 'storage');
  const port = await freePort();
  await writeFile(join(folder, 'htpasswd'), HTPASSWD);
  const config = {
    version: '0.1',
    log: { level: 'error', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: storage }, delete: { enabled: options.deletes ?? true } },
    http: { addr: `127.0.0.1:${port}` },
    ...(options.auth ? { auth: { htpasswd: { realm: 'lab', path: join(folder, 'htpasswd') } } } : {}),
  };
  await writeFile(join(folder, 'config.yml'), JSON.stringify(config));
  const server = spawnTied('docker-registry', ['serve', join(folder, 'config.yml')]);
  const url = `http://127.0.0.1:${port}`;
  await until(server, async () => (await fetch(`${url}/v2/`)).status !== 0, 'docker-registry');
  const bridge = await forward(GATEWAY, port);
  const tunnels: ChildProcess[] = [];
  return {
    url,
    address: `127.0.0.1:${port}`,
    fromHosts: `${GATEWAY}:${port}`,
    port,
    ...(options.auth ? TESTER : {}),
    storage,
    tunnelTo: async (host) => {
      const tunnel = spawnTied('ssh', [
        '-F',
        host.sshConfig,
        '-o',
        'ExitOnForwardFailure=yes',
        '-N',
        '-R',
        `127.0.0.1:${port}:127.0.0.1:${port}`,
        host.target,
      ]);
      tunnels.push(tunnel);
      await until(
        tunnel,
        async () => (await host.try(`curl -s -o /dev/null ${url}/v2/`)).code === 0,
        'ssh -R',
      );
    },
    close: async () => {
      bridge?.close();
      for (const child of [...tunnels, server]) await end(child);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Dies with this process, however that ends. */
function spawnTied(command: string, args: string[]): ChildProcess {
  return spawn('setpriv', ['--pdeathsig', 'KILL', command, ...args], { stdio: 'ignore' });
}

async function until(child: ChildProcess, works: () => Promise<boolean>, what: string): Promise<void> {
  for (let tries = 0; tries < 200 && child.exitCode === null; tries += 1) {
    if (await works().catch(() => false)) return;
    await sleep(50);
  }
  child.kill('SIGKILL');
  throw new Error(`${what} did not come up (exit code ${child.exitCode})`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The loopback port, also on the bridge of the hosts; nothing where there is no bridge. */
async function forward(address: string, port: number): Promise<Server | undefined> {
  const server = createServer((socket) => {
    const upstream = connect(port, '127.0.0.1');
    for (const [one, other] of [
      [socket, upstream],
      [upstream, socket],
    ] as const) {
      one.pipe(other);
      one.on('error', () => other.destroy());
    }
  });
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRNOTAVAIL' ? resolve(undefined) : reject(error),
    );
    server.listen(port, address, () => resolve(server.unref()));
  });
}
