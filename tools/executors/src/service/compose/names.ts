/** The network that every service behind the proxy shares with it. */
export const PROXY_NETWORK = 'sluice-proxy';

/** What all releases of a service in an environment share: accessories' project, network, and the head of volumes' names. */
export const sharedName = (service: string, environment: string): string =>
  `${service}-${environment}`.toLowerCase();

/** Compose's project of one release. */
export const projectName = (service: string, environment: string, release: string): string =>
  `${sharedName(service, environment)}-${release.toLowerCase()}`;

/** A compose service of one release, as it is called on networks that it shares with other releases and other projects. */
export const releaseAlias = (release: string, name: string): string => `${release}-${name}`.toLowerCase();

/** Labels of everything that belongs to a release. `part` is the compose service's own name. */
export const labelsOf = (
  { service, environment, release, run }: Record<'service' | 'environment' | 'release' | 'run', string>,
  part: string,
): Record<string, string> => ({
  'com.sluice.service': service,
  'com.sluice.environment': environment,
  'com.sluice.release': release,
  'com.sluice.run': run,
  'com.sluice.part': part,
});
