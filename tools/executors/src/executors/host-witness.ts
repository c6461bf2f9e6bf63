import { listReleases } from '../deployment/index.ts';
import type { DeploymentContext } from '../deployment/types.ts';
import type { HostNow } from '../deployment/plan.ts';
import type { HostWitness } from '../promotion/image/verify.ts';

/** What runs, as the hosts say: the proxy which release serves, the engine of what images its containers are. */
export function hostWitness(context: () => DeploymentContext): HostWitness {
  return {
    running: async (stage, { project }, signal) => {
      const { hosts } = await listReleases(context(), stage, project, signal);
      return Object.fromEntries(hosts.map((host) => [host.name, runningOn(host, stage.proxy)]));
    },
  };
}

/** Digest of the artifact that serves on a host, or in words what is there instead; null where nothing serves. Pure. */
export function runningOn({ truth, releases }: HostNow, proxy: 'caddy' | 'none'): string | null {
  const serving = proxy === 'none' ? truth.current : truth.serving;
  if (serving === undefined) return null;
  const manifest = releases.find((one) => one.manifest.release === serving)?.manifest;
  if (!manifest) return `${serving}, of which nothing is known there`;
  const own = truth.containers.filter(({ release }) => release === serving);
  for (const [service, image] of Object.entries(manifest.images)) {
    const containers = own.filter((one) => one.service === service);
    const other = containers.find((one) => one.image !== image);
    if (other) return `${other.image} as ${service}, instead of ${image}`;
  }
  return own.some(({ state }) => state === 'running') ? manifest.digest : `no container of ${serving}`;
}
