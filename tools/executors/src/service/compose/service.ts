import { isEmpty, names, renamed, textOf, without } from './lists.ts';
import { isMapping, type ComposeFile, type Mapping } from './parse.ts';

/** A service's own settings with what depends on how it is run taken out. */
export function carriedOver(service: Mapping): Mapping {
  const { deploy } = service;
  const kept = isMapping(deploy)
    ? without(deploy, ['replicas', 'mode', 'update_config', 'rollback_config'])
    : {};
  return { ...without(service, ['deploy']), ...(Object.keys(kept).length > 0 ? { deploy: kept } : {}) };
}

/**
 * References to other services under their new names. Those to services of the other file fall away: accessories were started
 * before, and are found by their name in the network.
 */
export function withNames(service: Mapping, rename: (name: string) => string[]): Mapping {
  const out: Mapping = { ...service };
  const set = (key: string, value: unknown): void => {
    if (isEmpty(value)) delete out[key];
    else out[key] = value;
  };
  if (service['depends_on'] !== undefined) set('depends_on', renamed(service['depends_on'], rename));
  if (service['links'] !== undefined)
    set(
      'links',
      names(service['links']).flatMap((link) => {
        const [name = '', alias = name] = link.split(':');
        return rename(name).map((other) => `${other}:${alias}`);
      }),
    );
  if (service['volumes_from'] !== undefined)
    set(
      'volumes_from',
      names(service['volumes_from']).flatMap((from) => {
        const [name = '', ...mode] = from.split(':');
        return rename(name).map((other) => [other, ...mode].join(':'));
      }),
    );
  for (const key of ['network_mode', 'pid', 'ipc']) {
    const value = service[key];
    if (typeof value !== 'string' || !value.startsWith('service:')) continue;
    const [other] = rename(value.slice('service:'.length));
    if (other !== undefined) out[key] = `service:${other}`;
  }
  return out;
}

export interface NetworkChoice {
  behindProxy: boolean;
  /** The release has a network of its own, in which its services find each other, and never another release's. */
  release: boolean;
  name: string;
  alias: string;
}

/**
 * Networks of a service, as names that `sections` declares. Compose gives every service its name in the file as an alias in
 * each of its networks: that is why names there are unique, and why the plain one stands in the release's own network alone.
 */
export function networksOf(service: Mapping, file: ComposeFile, choice: NetworkChoice): Mapping {
  if (service['network_mode'] !== undefined) return {};
  const asked = service['networks'];
  const aliases = isMapping(asked)
    ? Object.values(asked).flatMap((one) =>
        isMapping(one) && Array.isArray(one['aliases']) ? one['aliases'].map(textOf) : [],
      )
    : [];
  const external = names(asked).filter((name) => {
    const spec = file.networks[name];
    return isMapping(spec) && spec['external'] !== undefined && spec['external'] !== false;
  });
  const own = choice.alias === '' ? aliases : [...new Set([choice.name, ...aliases])];
  return {
    networks: {
      ...(choice.release ? { default: { aliases: own } } : {}),
      environment: choice.release || aliases.length === 0 ? {} : { aliases },
      ...(choice.behindProxy ? { proxy: { aliases: [choice.alias] } } : {}),
      ...Object.fromEntries(external.map((name) => [`external-${name}`, {}])),
    },
  };
}
