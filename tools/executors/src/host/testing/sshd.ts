import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

const PROGRAM = ['/usr/sbin/sshd', '/usr/local/sbin/sshd', '/usr/bin/sshd'].find((file) => existsSync(file));
/** Why no sshd can be started here; undefined where it can. */
export const noSshd = PROGRAM === undefined ? 'openssh-server is not installed' : undefined;

/** An sshd on loopback with keys of its own, for the user who runs the tests. */
export interface TestSshd {
  port: number;
  user: string;
  folder: string;
  /** ssh config whose `Host box` is this sshd, known and with a key that it takes. */
  config: string;
  /** Writes another config beside it, with these lines changed or added. */
  configWith(name: string, settings: Record<string, string>): string;
  /** Another host key from now on. */
  changeHostKey(): Promise<void>;
  /** Ends all connections with SIGKILL, as a lost line does; returns how many. */
  cut(): number;
  stop(): Promise<void>;
}

export async function startSshd(environment: Record<string, string> = {}): Promise<TestSshd> {
  const folder = mkdtempSync(join(tmpdir(), 'sshd-'));
  const user = userInfo().username;
  const key = (name: string) => {
    spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', join(folder, name)]);
    return readFileSync(join(folder, `${name}.pub`), 'utf8').trim();
  };
  writeFileSync(join(folder, 'authorized'), `${key('client')}\n`);
  key('stranger');
  const hostKey = key('host');
  const port = await freePort();
  writeFileSync(join(folder, 'known'), `[127.0.0.1]:${port} ${hostKey}\n`);
  writeFileSync(join(folder, 'empty'), '');
  // Where sshd is started as root it wants this folder, and systemd's unit is what makes it elsewhere.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true });

  const variables = Object.entries({ PATH: process.env['PATH'] ?? '', ...environment });
  const lines = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${folder}/host`,
    `AuthorizedKeysFile ${folder}/authorized`,
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PidFile none',
    'MaxStartups 100',
    `SetEnv ${variables.map(([name, value]) => `"${name}=${value}"`).join(' ')}`,
  ];
  writeFileSync(join(folder, 'sshd_config'), `${lines.join('\n')}\n`);
  let server = await start(folder, port);

  const configWith = (name: string, settings: Record<string, string>) => {
    const all = {
      HostName: '127.0.0.1',
      Port: String(port),
      User: user,
      IdentityFile: `${folder}/client`,
      IdentitiesOnly: 'yes',
      IdentityAgent: 'none',
      UserKnownHostsFile: `${folder}/known`,
      GlobalKnownHostsFile: '/dev/null',
      ...settings,
    };
    const file = join(folder, name);
    writeFileSync(
      file,
      `Host box\n${Object.entries(all)
        .map(([k, v]) => `  ${k} ${v}\n`)
        .join('')}`,
    );
    return file;
  };
  return {
    port,
    user,
    folder,
    config: configWith('config', {}),
    configWith,
    changeHostKey: async () => {
      await end(server);
      rmSync(join(folder, 'host'));
      rmSync(join(folder, 'host.pub'));
      key('host');
      server = await start(folder, port);
    },
    cut: () => {
      const pids = connections(server.pid as number);
      for (const pid of pids) process.kill(pid, 'SIGKILL');
      return pids.length;
    },
    stop: async () => {
      for (const pid of connections(server.pid as number)) process.kill(pid, 'SIGKILL');
      await end(server);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function start(folder: string, port: number): Promise<ChildProcess> {
  const server = spawn(PROGRAM as string, ['-D', '-e', '-f', join(folder, 'sshd_config')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  await new Promise<void>((resolve, reject) => {
    server.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes(`listening on 127.0.0.1 port ${port}`)) resolve();
    });
    server.on('exit', () => reject(new Error(`sshd ended: ${said}`)));
  });
  return server;
}

async function end(server: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => server.once('exit', resolve));
  server.kill('SIGTERM');
  await gone;
}

/** The processes of sshd below the one that listens; what runs in the sessions is not among them. */
function connections(listener: number): number[] {
  const children = new Map<number, number[]>();
  const sshd = new Set<number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
      if (/\(sshd/.test(stat)) sshd.add(Number(name));
    } catch {
      // It ended meanwhile.
    }
  }
  const below = (pid: number): number[] =>
    (children.get(pid) ?? []).filter((child) => sshd.has(child)).flatMap((child) => [...below(child), child]);
  return below(listener);
}

/** A port of loopback that nobody listens on. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
