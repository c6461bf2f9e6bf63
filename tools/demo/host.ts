import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const docker = async (...args: string[]): Promise<string> =>
  (await run('docker', args, { maxBuffer: 64 * 1024 * 1024 })).stdout.trim();

/** Where an engine may not make privileged containers, these do for an engine inside of one. */
const CAPABILITIES =
  'CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE NET_ADMIN NET_RAW IPC_LOCK SYS_CHROOT SYS_PTRACE SYS_ADMIN SYS_NICE MKNOD AUDIT_WRITE SETFCAP SYS_TIME SYSLOG'.split(
    ' ',
  );
const RIGHTS = [
  ['--privileged'],
  [
    '--cap-drop=ALL',
    ...CAPABILITIES.map((name) => `--cap-add=${name}`),
    ...['seccomp=unconfined', 'apparmor=unconfined', 'systempaths=unconfined'].flatMap((option) => [
      '--security-opt',
      option,
    ]),
    '--cgroupns',
    'host',
    '-v',
    '/sys/fs/cgroup:/sys/fs/cgroup:rw',
  ],
];
/** What the sample services and the proxy stand on; the host gets them from this machine's engine. */
const BASES = ['mariadb:11', 'caddy:2.10'];

export interface DemoHost {
  /** Name in `sshConfig`. */
  name: string;
  sshConfig: string;
  /** Where the host's port 80 is reached from here. */
  url: string;
  remove(): Promise<void>;
}

/** Why this machine cannot have a host, in one line; undefined where it can. */
export async function whyNoHost(): Promise<string | undefined> {
  try {
    await docker('version', '--format', '{{.Server.Version}}');
    return undefined;
  } catch (error) {
    const { code } = error as { code?: string };
    return code === 'ENOENT' ? 'there is no docker here' : 'no Docker engine answers';
  }
}

/** Starts a server in a container, reached over ssh like any other. */
export async function startHost(folder: string): Promise<DemoHost> {
  await docker('build', '-q', '-t', 'sluice-demo-host', join(import.meta.dirname, 'host'));
  for (const image of BASES) await docker('image', 'inspect', image).catch(() => docker('pull', '-q', image));
  const key = join(folder, 'deploy_ed25519');
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'demo', '-f', key]);
  const name = `sluice-demo-${randomBytes(4).toString('hex')}`;
  const remove = async () => void (await docker('rm', '--force', '--volumes', name).catch(() => undefined));
  try {
    await start(name, readFileSync(`${key}.pub`, 'utf8').trim());
    const [ssh, http] = await Promise.all([portOf(name, 22), portOf(name, 80)]);
    const hostKey = await docker('exec', name, 'cat', '/etc/ssh/ssh_host_ed25519_key.pub');
    writeFileSync(join(folder, 'known_hosts'), `[127.0.0.1]:${ssh} ${hostKey}\n`);
    const sshConfig = join(folder, 'ssh_config');
    writeFileSync(
      sshConfig,
      `Host demo-host\n  HostName 127.0.0.1\n  Port ${ssh}\n  User deploy\n  IdentityFile ${key}\n  IdentitiesOnly yes\n  UserKnownHostsFile ${join(folder, 'known_hosts')}\n`,
    );
    await load(name);
    return { name: 'demo-host', sshConfig, url: `http://127.0.0.1:${http}`, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function start(name: string, key: string): Promise<void> {
  for (const [i, rights] of RIGHTS.entries()) {
    const ports = ['-p', '127.0.0.1::22', '-p', '127.0.0.1::80'];
    try {
      await docker(
        'run',
        '-d',
        '--name',
        name,
        ...rights,
        ...ports,
        '-e',
        `AUTHORIZED_KEY=${key}`,
        'sluice-demo-host',
      );
      await ready(name);
      return;
    } catch (error) {
      await docker('rm', '--force', '--volumes', name).catch(() => undefined);
      if (i === RIGHTS.length - 1) throw error;
    }
  }
}

/** Until sshd has its key and the engine answers. */
async function ready(name: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await docker(
        'exec',
        name,
        'sh',
        '-c',
        'test -s /etc/ssh/ssh_host_ed25519_key.pub && docker version >/dev/null',
      );
      return;
    } catch (error) {
      if (attempt === 150) throw error;
      const running = await docker('inspect', '--format', '{{.State.Running}}', name);
      if (running !== 'true')
        throw new Error(`the host ended: ${await docker('logs', name)}`, { cause: error });
      await sleep(200);
    }
  }
}

async function portOf(name: string, port: number): Promise<string> {
  const said = await docker('port', name, String(port));
  return said.split('\n')[0]?.split(':').at(-1) ?? '';
}

function load(name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const save = spawn('docker', ['save', ...BASES], { stdio: ['ignore', 'pipe', 'ignore'] });
    const into = spawn('docker', ['exec', '-i', name, 'docker', 'load', '-q'], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    save.stdout.pipe(into.stdin);
    save.once('error', reject);
    into.once('error', reject);
    into.once('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`docker load ended with ${code}`)),
    );
  });
}
