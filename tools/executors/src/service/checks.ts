import { nearest } from '../schema/index.ts';
import type { ServiceConfig } from './types.ts';

/** As much of a compose file as the configuration speaks of. */
export interface ComposeNames {
  services: string[];
  volumes: string[];
}

/**
 * What a schema cannot say: the rules over several options, and over the compose files that they name.
 * One line for each that is broken, led by its path.
 * @param smoke names of the smoke test's own compose file, where it has one
 */
export function crossChecks(config: ServiceConfig, compose: ComposeNames, smoke = compose): string[] {
  return [
    ...composeServices(config, compose, smoke),
    ...missing('volumes', config.volumes, compose.volumes, `named volume in ${config.compose}`),
    ...variables(config),
    ...databases(config),
    ...smokeServices(config),
  ];
}

/** Every compose service that the configuration speaks of, and whether it is one that is built here. */
function composeServices(config: ServiceConfig, compose: ComposeNames, smoke: ComposeNames): string[] {
  const images = Object.keys(config.images);
  const smokeFile = config.smoke?.compose ?? config.compose;
  return [
    ...images.flatMap((name) => inCompose(`images.${name}`, name, compose, config.compose)),
    ...Object.keys(config.http).flatMap((name) => [
      ...inCompose(`http.${name}`, name, compose, config.compose),
      ...built(`http.${name}`, name, images),
    ]),
    ...(config.migrations
      ? [
          ...inCompose('migrations.service', config.migrations.service, compose, config.compose),
          ...built('migrations.service', config.migrations.service, images),
        ]
      : []),
    ...config.databases.flatMap(({ service }, i) => [
      ...inCompose(`databases[${i}].service`, service, compose, config.compose),
      ...(images.includes(service)
        ? [`databases[${i}].service: "${service}" is built by this project; a database outlives its releases`]
        : []),
    ]),
    ...(config.smoke?.checks ?? []).flatMap(({ service }, i) =>
      inCompose(`smoke.checks[${i}].service`, service, smoke, smokeFile),
    ),
    ...(config.smoke?.load
      ? inCompose('smoke.load.service', config.smoke.load.service, smoke, smokeFile)
      : []),
  ];
}

function inCompose(at: string, name: string, { services }: ComposeNames, file: string): string[] {
  return missing(at, [name], services, `service in ${file}`, true);
}

function missing(at: string, names: string[], known: string[], what: string, whole = false): string[] {
  return names.flatMap((name, i) => {
    if (known.includes(name)) return [];
    const near = nearest(name, known);
    const hint = near ? `did you mean "${near}"?` : `there are: ${known.join(', ') || 'none'}`;
    return [`${at}${whole ? '' : `[${i}]`}: there is no ${what} named "${name}"; ${hint}`];
  });
}

function built(at: string, name: string, images: string[]): string[] {
  return images.includes(name)
    ? []
    : [`${at}: "${name}" is not in images, and only what this project builds is replaced by a release`];
}

function variables({ environment, secrets, stages }: ServiceConfig): string[] {
  const places = [
    ['environment', environment] as const,
    ...Object.entries(stages).map(
      ([stage, one]) => [`stages.${stage}.environment`, one.environment ?? {}] as const,
    ),
  ];
  return places.flatMap(([at, values]) =>
    Object.keys(values)
      .filter((name) => secrets.includes(name))
      .map((name) => `${at}.${name}: is one of secrets too; its value would be recorded`),
  );
}

function databases({ databases: all, environment, secrets }: ServiceConfig): string[] {
  const known = [...secrets, ...Object.keys(environment)];
  return all.flatMap(({ service, name, passwordVariable }, i) => [
    ...(known.includes(passwordVariable)
      ? []
      : [
          `databases[${i}].passwordVariable: "${passwordVariable}" is not in secrets; ${
            known.length > 0 ? `there are: ${known.join(', ')}` : 'add it there'
          }`,
        ]),
    ...(all.findIndex((other) => other.service === service && other.name === name) < i
      ? [`databases[${i}]: names the same database as an entry before it`]
      : []),
  ]);
}

/** Only what speaks HTTP can be asked; its port stands in `http`. */
function smokeServices({ smoke, http }: ServiceConfig): string[] {
  if (!smoke) return [];
  const asked = [
    ...smoke.checks.map(({ service }, i) => [`smoke.checks[${i}].service`, service] as const),
    ...(smoke.load ? [['smoke.load.service', smoke.load.service] as const] : []),
  ];
  return asked
    .filter(([, service]) => !Object.hasOwn(http, service))
    .map(([at, service]) => `${at}: "${service}" is not in http, so its port is not known`);
}

/** Stages that the configuration says something about and nx.json does not have: a mistyped name would be passed over in silence. */
export function unknownStages({ stages }: ServiceConfig, known: readonly string[]): string[] {
  return Object.keys(stages)
    .filter((name) => !known.includes(name))
    .map((name) => {
      const near = nearest(name, known);
      return `stages.${name}: nx.json has no service stage of this name; ${near ? `did you mean "${near}"?` : `there are: ${known.join(', ') || 'none'}`}`;
    });
}
