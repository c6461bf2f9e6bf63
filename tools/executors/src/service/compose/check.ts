import { portsOf } from './ports.ts';
import { isEmpty, names, textOf } from './lists.ts';
import { isMapping, type ComposeFile, type Mapping } from './parse.ts';

/** What a server cannot give to any service: files of the project's folder are not on it. */
export function notCarried(file: ComposeFile, used: readonly string[]): string[] {
  return [
    ...(file.include === undefined ? [] : ['include: other files do not travel with the release']),
    ...used.flatMap((name) => {
      const service = file.services[name] ?? {};
      const at = `services.${name}`;
      return [
        ...(service['env_file'] === undefined
          ? []
          : [`${at}.env_file: does not travel with the release; name its variables under "environment"`]),
        ...(service['extends'] === undefined
          ? []
          : [`${at}.extends: is not supported; use YAML's anchors and <<`]),
        ...mounts(service).flatMap(({ source }, i) => {
          if (source === undefined) return [];
          if (isRelative(source))
            return [
              `${at}.volumes[${i}]: ${source} is a folder of the project, which is not on the host; put it into the image, or use a named volume or an absolute path`,
            ];
          return isPath(source) || Object.hasOwn(file.volumes, source)
            ? []
            : [`${at}.volumes[${i}]: the volume ${source} is not declared under "volumes"`];
        }),
        ...['configs', 'secrets'].flatMap((kind) =>
          names(namesOf(service[kind])).flatMap((one) => {
            const source = file[kind as 'configs' | 'secrets'][one];
            return isMapping(source) && typeof source['file'] === 'string' && !source['file'].startsWith('/')
              ? [
                  `${kind}.${one}.file: ${source['file']} is a file of the project, which is not on the host; use a variable`,
                ]
              : [];
          }),
        ),
        ...volumesOf(service).flatMap((volume) =>
          /[\t\n\r]/.test(JSON.stringify(file.volumes[volume] ?? '').replaceAll(/\\[tnr]/g, '\n'))
            ? [`volumes.${volume}: has a tab or a line's end in its options`]
            : [],
        ),
        ...fixedAddresses(service).map((key) => `${at}.networks: a fixed ${key} is not carried over`),
      ];
    }),
  ];
}

const namesOf = (list: unknown): unknown =>
  Array.isArray(list) ? list.map((one) => (isMapping(one) ? one['source'] : one)) : list;

function fixedAddresses(service: Mapping): string[] {
  const networks = isMapping(service['networks']) ? Object.values(service['networks']) : [];
  return networks.flatMap((network) =>
    isMapping(network) ? ['ipv4_address', 'ipv6_address'].filter((key) => network[key] !== undefined) : [],
  );
}

/** What keeps a second release from running beside the first. */
export interface Conflicts {
  named: string[];
  ports: string[];
}

/** @param http services whose ports are removed, since the proxy serves them */
export function conflicts(
  file: ComposeFile,
  released: readonly string[],
  http: readonly string[],
): Conflicts {
  const named: string[] = [];
  const ports: string[] = [];
  for (const name of released) {
    const service = file.services[name] ?? {};
    if (service['container_name'] !== undefined) named.push(name);
    const mode = service['network_mode'];
    if (mode === 'host') ports.push(`services.${name}.network_mode: host`);
    else if (mode !== undefined && http.includes(name))
      ports.push(`services.${name}.network_mode: ${textOf(mode)} (the proxy cannot reach it)`);
    if (http.includes(name)) continue;
    for (const { host, container } of portsOf(service))
      if (host !== undefined) ports.push(`services.${name}.ports: ${host}:${container}`);
  }
  return { named, ports };
}

/** A mount's source: a named volume, or a path of the host; undefined for an anonymous one. */
function mounts(service: Mapping): { source: string | undefined }[] {
  if (isEmpty(service['volumes']) || !Array.isArray(service['volumes'])) return [];
  return service['volumes'].map((mount) => {
    if (isMapping(mount)) {
      const { type, source } = mount;
      const counts = (type === 'volume' || type === 'bind') && source !== undefined;
      // A bind mount's source is a path also without a dot before it.
      const text = counts ? textOf(source) : undefined;
      return { source: text !== undefined && type === 'bind' && !isPath(text) ? `./${text}` : text };
    }
    const [source, target] = textOf(mount).split(':');
    return { source: target === undefined ? undefined : source };
  });
}

const isRelative = (source: string): boolean => /^[.~]/.test(source);
const isPath = (source: string): boolean => source.startsWith('/') || isRelative(source);

/** Named volumes that a service mounts. */
export const volumesOf = (service: Mapping): string[] =>
  mounts(service).flatMap(({ source }) => (source === undefined || isPath(source) ? [] : [source]));
