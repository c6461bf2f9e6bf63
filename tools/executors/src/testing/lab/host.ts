import { docker, hostDown, hostUp, mustRun, run, type Ran, type RunOptions } from './machine.ts';

export interface HostOptions {
  /** Whom `target` logs in as; `deploy` by default. */
  user?: 'deploy' | 'root';
  /** Docker (by default), Docker in the hands of `deploy` alone, or Podman in those of `user` (rootless for `deploy`). */
  kind?: 'docker' | 'rootless' | 'podman';
  /** How `deploy` gets at the engine: as one of its group (by default), by sudo without a password, or not at all. */
  access?: 'group' | 'sudo' | 'none';
  /** `docker-compose` 1.29 of Debian (by default), the plugin `docker compose`, or none. */
  compose?: 'v1' | 'v2' | 'none';
}

/** A machine with an sshd, a Docker engine and a disk of its own. All files, containers and volumes on it are the test's. */
export interface LabHost {
  /** Also an alias in `sshConfig`. */
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** `deploy@10.213.0.11` */
  readonly target: string;
  /** A configuration of OpenSSH (`ssh -F`) with the key, the known hosts and strict checks; the same for all hosts of a lab. */
  readonly sshConfig: string;
  /** A shell script as root, past the network; its standard output without the last line ends. Throws where it fails. */
  exec(script: string, options?: RunOptions): Promise<string>;
  /** The same for scripts that may fail. */
  try(script: string, options?: RunOptions): Promise<Ran>;
  /** A command through OpenSSH, as `target`. */
  ssh(command: string, options?: RunOptions): Promise<Ran>;
  /** The host's own `docker ...args`, as root, past the network. */
  engine(...args: string[]): Promise<string>;
  /** Where a port that a container publishes is reached from outside. */
  url(port: number): string;
  stopEngine(): Promise<void>;
  /** The engine dies without a word; its containers with it. */
  killEngine(): Promise<void>;
  startEngine(): Promise<void>;
  /** No byte is free for the engine, the homes, /tmp, /srv and /opt, but `leave` bytes (0 by default). */
  fillDisk(options?: { leave?: number }): Promise<void>;
  freeDisk(): Promise<void>;
  /** Every packet from and to the host vanishes, from now on: open connections hang. */
  cut(): Promise<void>;
  mend(): Promise<void>;
  /** The open SSH connections break; new ones are taken. */
  hangUp(): Promise<void>;
  /** All processes of the host are gone at once; nothing is written any more. */
  powerCut(): Promise<void>;
  /** After a power cut: engine and sshd are up when this resolves, and containers as their restart policy says. */
  powerOn(): Promise<void>;
  /** As it was leased, in a second; pulled and built images stay unless `images` says `base`. */
  reset(options?: { images?: 'keep' | 'base' }): Promise<void>;
  /** Gives the host back before the lab is closed. */
  dispose(): Promise<void>;
}

/** The host of that name, started and clean. */
export async function startHost(
  name: string,
  options: HostOptions & { sshConfig: string; released: () => Promise<void> },
): Promise<LabHost & { readonly key: string }> {
  const address = await hostUp(name);
  const user = options.user ?? 'deploy';
  const target = `${user}@${address}`;
  const inside = (...args: string[]) => mustRun('docker', ['exec', name, ...args]);
  const silently = async (...args: string[]) => void (await inside(...args));
  const kind = options.kind === 'podman' && user === 'root' ? 'podman-root' : (options.kind ?? 'docker');
  const reset = async (more: string[]) => {
    await inside('lab-reset', ...more);
    await inside('lab-variant', kind, options.access ?? 'group', options.compose ?? 'v1');
  };
  // A host that somebody left beyond repair is made anew.
  await reset(['--images']).catch(async () => {
    await hostDown(name);
    await hostUp(name);
    await reset(['--images']);
  });
  return {
    name,
    address,
    port: 22,
    target,
    sshConfig: options.sshConfig,
    key: await inside('cat', '/etc/ssh/ssh_host_ed25519_key.pub'),
    exec: (script, more) => mustRun('docker', ['exec', '-i', name, 'sh', '-c', script], more),
    try: (script, more) => run('docker', ['exec', '-i', name, 'sh', '-c', script], more),
    ssh: (command, more) => run('ssh', ['-F', options.sshConfig, target, command], more),
    engine: (...args) => inside('docker', ...args),
    url: (port) => `http://${address}:${port}`,
    stopEngine: () => silently('lab-engine', 'stop'),
    killEngine: () => silently('lab-engine', 'kill'),
    startEngine: () => silently('lab-engine', 'start'),
    fillDisk: ({ leave = 0 } = {}) => silently('lab-disk', 'fill', String(leave)),
    freeDisk: () => silently('lab-disk', 'free'),
    cut: () => silently('lab-net', 'cut'),
    mend: () => silently('lab-net', 'mend'),
    hangUp: () => silently('lab-net', 'hang-up'),
    powerCut: async () => void (await docker('kill', name)),
    powerOn: async () => void (await hostUp(name)),
    reset: ({ images = 'keep' } = {}) => reset(images === 'base' ? ['--images'] : []),
    dispose: options.released,
  };
}
