import { durationMs } from '../pipeline/index.ts';
import { caddyFiles, routeId } from '../host/proxy/index.ts';
import { deriveRelease, type DerivedRelease } from '../service/compose/index.ts';
import type { RenderedRelease, RenderInput, Upstream } from './types.ts';
import { plainText } from './variables.ts';

/**
 * The files of a release's folder on a host. Pure.
 * @throws what `deriveRelease` throws: COMPOSE_*, VARIABLE_MISSING
 */
export function renderRelease(input: RenderInput): RenderedRelease {
  const { bundle, stage, release, run, images } = input;
  const own = bundle.config.stages[stage.name] ?? {};
  const plain = Object.fromEntries(
    Object.entries(input.variables).map(([name, value]) => [name, plainText(value)]),
  );
  const place = { service: bundle.project, environment: stage.name };
  const derived = deriveRelease({
    bundle,
    ...place,
    release,
    run,
    images,
    variables: plain,
    proxy: stage.proxy,
    ...(own.replicas === undefined ? {} : { replicas: own.replicas }),
  });
  const upstreams = upstreamsOf(input, derived);
  const routes = Object.entries(bundle.config.http).map(([name, { path }]) => ({
    name,
    path,
    address: derived.addresses[name]?.shared ?? '',
  }));
  const proxy =
    stage.proxy === 'none' || routes.length === 0
      ? {}
      : caddyFiles({ ...place, ports: stage.ports, hostnames: own.hostnames ?? [], routes });
  return {
    files: {
      'compose.yaml': derived.compose,
      ...(derived.accessories === undefined ? {} : { 'accessories.yaml': derived.accessories }),
      'environment.json': `${JSON.stringify(plain, undefined, 2)}\n`,
      ...proxy,
    },
    upstreams,
    accessories: derived.accessories !== undefined,
  };
}

function upstreamsOf({ bundle, stage }: RenderInput, { addresses }: DerivedRelease): Upstream[] {
  return Object.entries(bundle.config.http).map(([service, http]) => ({
    service,
    route: routeId(bundle.project, stage.name, service),
    addresses: addresses[service]?.each ?? [],
    health: http.health,
    within: durationMs(http.healthWithin) / 1_000,
    drain: durationMs(http.drain) / 1_000,
  }));
}
