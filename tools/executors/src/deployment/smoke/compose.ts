import { errors } from '../../foundation/index.ts';
import { interpolate, parseCompose } from '../../service/compose/index.ts';
import { writeCompose } from '../../service/compose/write.ts';
import type { ServiceBundle } from '../../service/types.ts';

export interface SmokeFile {
  /** Compose file with nothing left to be looked up. */
  text: string;
  /** Compose service -> port in the container that is asked. */
  ports: Record<string, number>;
}

/**
 * The compose file of a smoke test: exactly the images given, ports only on this machine's loopback and chosen by the engine,
 * nothing that outlives the test or collides with another one. Pure.
 * @param images compose service -> reference by digest
 * @throws COMPOSE_FILE_INVALID, VARIABLE_MISSING
 */
export function smokeFile(
  bundle: ServiceBundle,
  images: Readonly<Record<string, string>>,
  variables: Readonly<Record<string, string>>,
): SmokeFile {
  const { project, config } = bundle;
  const parsed = parseCompose(bundle.smokeCompose ?? bundle.compose);
  if (Array.isArray(parsed)) throw errors.COMPOSE_FILE_INVALID({ project, problems: parsed });
  const ports = portsOf(config);
  const missing = new Set<string>();
  const resolve = (value: unknown): unknown => {
    if (typeof value === 'string') {
      const read = interpolate(value, variables);
      for (const name of read.missing) missing.add(name);
      return read.text;
    }
    if (Array.isArray(value)) return value.map(resolve);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolve(item)]));
  };
  const services = Object.fromEntries(
    Object.entries(parsed.services).map(([name, service]) => {
      const { build: _, container_name: _named, restart: _restart, ports: _ports, ...rest } = service;
      return [
        name,
        {
          ...(resolve(rest) as object),
          ...(images[name] ? { image: images[name] } : {}),
          ...(ports[name] === undefined ? {} : { ports: [`127.0.0.1::${ports[name]}`] }),
        },
      ];
    }),
  );
  const { volumes, networks, configs, secrets } = parsed;
  const sections = Object.fromEntries(
    Object.entries({ volumes, networks, configs, secrets }).filter(
      ([, part]) => Object.keys(part).length > 0,
    ),
  );
  const text = writeCompose({ services, ...(resolve(sections) as object) });
  if (missing.size > 0) throw errors.VARIABLE_MISSING({ project, stage: 'smoke', names: [...missing] });
  return { text, ports };
}

function portsOf({ smoke, http }: ServiceBundle['config']): Record<string, number> {
  const asked = [...(smoke?.checks ?? []), ...(smoke?.load ? [smoke.load] : [])].map(
    ({ service }) => service,
  );
  return Object.fromEntries(
    [...new Set(asked)].flatMap((service) => {
      const port = http[service]?.port;
      return port === undefined ? [] : [[service, port]];
    }),
  );
}
