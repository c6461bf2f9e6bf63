import { volumesOf } from './check.ts';
import { names, pairs, textOf, without } from './lists.ts';
import { labelsOf, PROXY_NETWORK, releaseAlias, sharedName } from './names.ts';
import { isMapping, type ComposeFile, type Mapping } from './parse.ts';
import { carriedOver, networksOf, withNames } from './service.ts';
import type { DeriveInput, VolumeSpec } from './types.ts';

/** The release's own services, one for each container. */
export function releaseFile(input: DeriveInput, file: ComposeFile, keys: Record<string, string[]>): Mapping {
  const rename = (name: string) => keys[name] ?? [];
  const stack = Object.keys(keys).length > 1;
  const services = Object.entries(keys).flatMap(([name, own]) =>
    own.map((key) => {
      const service = withNames(carriedOver(file.services[name] ?? {}), rename);
      return [
        key,
        {
          image: input.images[name],
          ...without(service, ['networks', 'scale']),
          restart: textOf(service['restart'] ?? 'unless-stopped'),
          labels: { ...pairs(service['labels']), ...labelsOf(input, name) },
          ...networksOf(service, file, {
            behindProxy: input.proxy === 'caddy' && Object.hasOwn(input.bundle.config.http, name),
            release: input.proxy === 'caddy' && stack,
            name,
            alias: releaseAlias(input.release, name),
          }),
        },
      ];
    }),
  );
  return sections(input, file, Object.fromEntries(services), Object.keys(keys));
}

/** Everything else, which outlives releases. */
export function accessoriesFile(input: DeriveInput, file: ComposeFile, accessories: string[]): Mapping {
  const rename = (name: string) => (accessories.includes(name) ? [name] : []);
  const services = accessories.map((name) => {
    const service = withNames(carriedOver(file.services[name] ?? {}), rename);
    return [
      name,
      {
        ...without(service, ['networks', 'scale']),
        restart: textOf(service['restart'] ?? 'unless-stopped'),
        // Neither release nor run: what does not change is left alone by every later release.
        labels: {
          ...pairs(service['labels']),
          'com.sluice.accessory': name,
          'com.sluice.environment': input.environment,
        },
        ...networksOf(service, file, { behindProxy: false, release: false, name, alias: '' }),
      },
    ];
  });
  return sections(input, file, Object.fromEntries(services), accessories);
}

/** The file around some services: only the networks, volumes, configs and secrets that they use. */
function sections(
  input: DeriveInput,
  file: ComposeFile,
  services: Record<string, Mapping>,
  used: string[],
): Mapping {
  const shared = sharedName(input.service, input.environment);
  const networks = [...new Set(Object.values(services).flatMap((service) => names(service['networks'])))];
  const volumes = [...new Set(used.flatMap((name) => volumesOf(file.services[name] ?? {})))];
  const own = (kind: 'configs' | 'secrets') => {
    const wanted = used.flatMap((name) => {
      const list = file.services[name]?.[kind];
      return Array.isArray(list) ? list.map((one) => textOf(isMapping(one) ? one['source'] : one)) : [];
    });
    const found = Object.entries(file[kind]).filter(([name]) => wanted.includes(name));
    return found.length > 0 ? { [kind]: Object.fromEntries(found) } : {};
  };
  const networkOf = (name: string): Mapping => {
    if (name === 'default')
      return { labels: { 'com.sluice.service': input.service, 'com.sluice.environment': input.environment } };
    if (name === 'environment') return { external: true, name: shared };
    if (name === 'proxy') return { external: true, name: PROXY_NETWORK };
    return { external: true, name: externalName(name.slice('external-'.length), file.networks) };
  };
  return {
    services,
    ...(networks.length > 0
      ? { networks: Object.fromEntries(networks.map((name) => [name, networkOf(name)])) }
      : {}),
    ...(volumes.length > 0
      ? {
          volumes: Object.fromEntries(
            volumes.map((name) => [
              name,
              {
                external: true,
                name: isExternal(file.volumes[name]) ? externalName(name, file.volumes) : `${shared}_${name}`,
              },
            ]),
          ),
        }
      : {}),
    ...own('configs'),
    ...own('secrets'),
  };
}

const isExternal = (spec: unknown): boolean =>
  isMapping(spec) &&
  (spec['external'] === true || spec['external'] === 'true' || isMapping(spec['external']));

function externalName(name: string, section: Mapping): string {
  const spec = section[name];
  if (!isMapping(spec)) return name;
  const old = isMapping(spec['external']) ? spec['external']['name'] : undefined;
  return textOf(spec['name'] ?? old ?? name);
}

/** The volumes that have to be made. */
export const volumeSpecs = (input: DeriveInput, file: ComposeFile, used: string[]): VolumeSpec[] =>
  [...new Set(used.flatMap((name) => volumesOf(file.services[name] ?? {})))]
    .filter((name) => !isExternal(file.volumes[name]))
    .map((name) => volumeSpec(sharedName(input.service, input.environment), name, file.volumes[name]));

function volumeSpec(shared: string, name: string, spec: unknown): VolumeSpec {
  const { driver, driver_opts: options } = isMapping(spec) ? spec : {};
  return {
    name: `${shared}_${name}`,
    driver: driver === undefined || driver === null ? 'local' : textOf(driver),
    options: Object.fromEntries(Object.entries(pairs(options)).map(([key, value]) => [key, value ?? ''])),
  };
}
