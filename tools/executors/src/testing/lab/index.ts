import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startHost, type HostOptions, type LabHost } from './host.ts';
import { lease } from './lease.ts';
import { docker, identity, whyNoHosts } from './machine.ts';
import { startRegistry, type LabRegistry } from './registry.ts';

export type { HostOptions, LabHost } from './host.ts';
export type { Ran, RunOptions } from './machine.ts';
export { startRegistry, type LabRegistry } from './registry.ts';
export { describeWithHosts } from './describe.ts';

/** The base images that every host has, under their public names. They are stand-ins: nothing is pulled. */
export const IMAGES = {
  debian: 'debian:bookworm-slim',
  node: 'node:26-bookworm-slim',
  caddy: 'caddy:2.10',
  mariadb: 'mariadb:11',
  postgres: 'postgres:17',
} as const;

export interface Lab {
  readonly available: boolean;
  /** One line: why no host can be had here. Empty where one can. */
  readonly why: string;
  /** A folder that goes with the lab. */
  readonly folder: string;
  /** A configuration of OpenSSH with all hosts of this lab. */
  readonly sshConfig: string;
  readonly knownHosts: string;
  /** For processes that call `ssh` without `-F`: a PATH in which `ssh` and `scp` read `sshConfig`. */
  readonly env: { readonly PATH: string };
  /** A host that nobody else has, clean: in half a second when it runs already, in a few when it is made. */
  host(options?: HostOptions): Promise<LabHost>;
  /** The name of a base image, which the machine's engine and every host's has. */
  image(name: keyof typeof IMAGES): Promise<string>;
  registry(options?: Parameters<typeof startRegistry>[0]): Promise<LabRegistry>;
  /** Gives the hosts back, ends the registries, removes the folder. */
  close(): Promise<void>;
}

/** Real hosts for tests, where this machine can have them. `.ci/prepare-hosts` makes it one that can. */
export async function openLab(): Promise<Lab> {
  const why = (await whyNoHosts()) ?? '';
  const folder = await mkdtemp(join(tmpdir(), 'sluice-lab-'));
  const sshConfig = join(folder, 'ssh_config');
  const knownHosts = join(folder, 'known_hosts');
  const bin = join(folder, 'bin');
  const hosts = new Map<string, Awaited<ReturnType<typeof startHost>>>();
  const closing: (() => Promise<void>)[] = [];

  let written = Promise.resolve();
  // Hosts come and go side by side; the files are written one after the other.
  const writeConfig = () => (written = written.then(writeNow));
  const writeNow = async () => {
    const all = [...hosts.values()];
    const lines = all.map(
      (host) => `Host ${host.name}\n  HostName ${host.address}\n  User ${host.target.split('@')[0]}\n`,
    );
    await writeFile(
      sshConfig,
      `${lines.join('')}Host *\n  IdentityFile ${identity}\n  IdentitiesOnly yes\n  IdentityAgent none\n` +
        `  UserKnownHostsFile ${knownHosts}\n  GlobalKnownHostsFile none\n  StrictHostKeyChecking yes\n  BatchMode yes\n`,
    );
    await writeFile(knownHosts, all.map((host) => `${host.address},${host.name} ${host.key}\n`).join(''));
  };
  await mkdir(bin);
  for (const tool of ['ssh', 'scp']) {
    await writeFile(join(bin, tool), `#!/bin/sh\nexec /usr/bin/${tool} -F '${sshConfig}' "$@"\n`);
    await chmod(join(bin, tool), 0o755);
  }
  await writeConfig();

  const giveBack = async (name: string, release: () => Promise<void>) => {
    if (!hosts.delete(name)) return;
    await release();
    await writeConfig();
  };
  return {
    available: why === '',
    why,
    folder,
    sshConfig,
    knownHosts,
    env: { PATH: `${bin}:${process.env['PATH'] ?? ''}` },
    host: async (options = {}) => {
      if (why !== '') throw new Error(why);
      const { name, release } = await lease((options.kind ?? 'docker') === 'docker' ? 'first' : 'last');
      const dispose = () => giveBack(name, release);
      try {
        const host = await startHost(name, { ...options, sshConfig, released: dispose });
        hosts.set(name, host);
        closing.push(dispose);
        await writeConfig();
        return host;
      } catch (error) {
        await release();
        throw error;
      }
    },
    image: async (name) => {
      await docker('image', 'inspect', '--format', '{{.Id}}', IMAGES[name]);
      return IMAGES[name];
    },
    registry: async (options) => {
      const registry = await startRegistry(options);
      closing.push(registry.close);
      return registry;
    },
    close: async () => {
      for (const close of closing.splice(0).toReversed()) await close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
