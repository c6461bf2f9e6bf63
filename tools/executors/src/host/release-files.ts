import { Secret } from '../foundation/index.ts';
import { durationMs } from '../pipeline/duration.ts';
import { deriveRelease } from '../service/compose/index.ts';
import type { ServiceBundle, ServiceStage } from '../service/types.ts';
import { caddyFiles, routeId } from './proxy/index.ts';

export interface ReleaseFilesInput {
  bundle: ServiceBundle;
  stage: Pick<ServiceStage, 'name' | 'proxy' | 'ports'>;
  release: string;
  run: string;
  /** Compose service -> reference by digest. */
  images: Readonly<Record<string, string>>;
  variables: Readonly<Record<string, string | Secret>>;
}
export interface ReleaseFiles {
  /** Name below the release's folder -> content, as the phases read it. They hold secrets. */
  files: Record<string, string>;
  upstreams: {
    service: string;
    route: string;
    addresses: string[];
    health: { path: string; status: number; body?: string };
    /** Seconds. */
    within: number;
    /** Seconds. */
    drain: number;
  }[];
  accessories: boolean;
}

/**
 * The files of a release as the phases on a host read them. Pure.
 * - `compose.yaml`, `accessories.yaml`: resolved compose files
 * - `environment.json`: the variables that they were resolved with
 * - `services`: lines `<compose service> <its names in compose.yaml>...`
 * - `volumes`: lines `<name>\t<driver>\t<option>...`, and `network`: what is made where it is missing
 * - `proxy.json`, `routes`, `addresses`: see `proxy/caddy.ts`; none with `proxy: none`
 * @throws COMPOSE_FILE_INVALID, COMPOSE_SERVICE_MISSING, COMPOSE_CONTAINER_NAME, COMPOSE_FIXED_PORT, VARIABLE_MISSING
 */
export function releaseFiles(input: ReleaseFilesInput): ReleaseFiles {
  const { bundle, stage, release, run, images } = input;
  const { http, stages } = bundle.config;
  const own = stages[stage.name];
  const variables = Object.fromEntries(
    Object.entries(input.variables).map(([name, value]) => [
      name,
      value instanceof Secret ? value.reveal() : value,
    ]),
  );
  const derived = deriveRelease({
    bundle,
    service: bundle.project,
    environment: stage.name,
    release,
    run,
    images,
    variables,
    ...(own?.replicas === undefined ? {} : { replicas: own.replicas }),
    proxy: stage.proxy,
  });
  const proxied = stage.proxy === 'caddy' && Object.keys(http).length > 0;
  return {
    files: {
      'compose.yaml': derived.compose,
      ...(derived.accessories === undefined ? {} : { 'accessories.yaml': derived.accessories }),
      'environment.json': `${JSON.stringify(variables, undefined, 2)}\n`,
      services: lines(Object.entries(derived.keys).map(([name, keys]) => [name, ...keys].join(' '))),
      network: `${derived.network}\n`,
      volumes: lines(
        derived.volumes.map(({ name, driver, options }) =>
          [name, driver, ...Object.entries(options).map(([key, value]) => `${key}=${value}`)].join('\t'),
        ),
      ),
      ...(proxied
        ? caddyFiles({
            service: bundle.project,
            environment: stage.name,
            ports: stage.ports,
            hostnames: own?.hostnames ?? [],
            routes: Object.entries(http).map(([name, { path }]) => ({
              name,
              path,
              address: derived.addresses[name]?.shared ?? '',
            })),
          })
        : {}),
    },
    upstreams: Object.entries(http).map(([name, { health, healthWithin, drain }]) => ({
      service: name,
      route: routeId(bundle.project, stage.name, name),
      addresses: derived.addresses[name]?.each ?? [],
      health,
      within: durationMs(healthWithin) / 1_000,
      drain: durationMs(drain) / 1_000,
    })),
    accessories: derived.accessories !== undefined,
  };
}

const lines = (list: string[]): string => list.map((line) => `${line}\n`).join('');
