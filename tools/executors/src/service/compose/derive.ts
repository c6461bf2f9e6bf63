import { errors } from '../../foundation/index.ts';
import { conflicts, notCarried } from './check.ts';
import { accessoriesFile, releaseFile, volumeSpecs } from './files.ts';
import { interpolate, type Values } from './interpolate.ts';
import { isEmpty, pairs, without } from './lists.ts';
import { projectName, releaseAlias, sharedName } from './names.ts';
import { isMapping, parseCompose, type ComposeFile, type Mapping } from './parse.ts';
import { portsOf } from './ports.ts';
import type { DerivedRelease, DeriveInput } from './types.ts';
import { writeCompose } from './write.ts';

/** Containers of one service side by side on one host; more are no help there. */
const MOST_REPLICAS = 32;

/**
 * The two compose files of a release, resolved for a host: nothing in them is left to be looked up there.
 * Pure, so that a dry run shows what a deployment does.
 * @throws COMPOSE_FILE_INVALID, COMPOSE_SERVICE_MISSING, COMPOSE_CONTAINER_NAME, COMPOSE_FIXED_PORT, VARIABLE_MISSING; each with all that is wrong
 */
export function deriveRelease(input: DeriveInput): DerivedRelease {
  const { bundle, proxy } = input;
  const invalid = (problems: string[]) => errors.COMPOSE_FILE_INVALID({ project: bundle.project, problems });
  const parsed = parseCompose(bundle.compose);
  if (Array.isArray(parsed)) throw invalid(parsed);

  const http = Object.keys(bundle.config.http);
  const released = [...new Set([...Object.keys(bundle.images), ...http])];
  checkServices(input, parsed, released);
  const accessories = Object.keys(parsed.services).filter(
    // A profile is something that a person asks for on a laptop.
    (name) => !released.includes(name) && isEmpty(parsed.services[name]?.['profiles']),
  );
  const file = resolve(input, trimmed(parsed, released, accessories, proxy === 'caddy' ? http : []));

  const used = [...released, ...accessories];
  if (proxy === 'caddy') {
    const found = conflicts(file, released, http);
    if (found.named.length > 0)
      throw errors.COMPOSE_CONTAINER_NAME({ project: bundle.project, services: found.named });
    if (found.ports.length > 0)
      throw errors.COMPOSE_FIXED_PORT({ project: bundle.project, found: found.ports });
  }
  const keys = keysOf(input, file, released);
  const problems = [
    ...notCarried(file, used),
    ...nameProblems(input, keys),
    ...imageProblems(input, file, released, accessories),
  ];
  if (problems.length > 0) throw invalid(problems);

  const addresses = addressesOf(input, file, keys, http);
  if (Array.isArray(addresses)) throw invalid(addresses);
  return {
    compose: writeCompose(releaseFile(input, file, keys)),
    accessories: accessories.length > 0 ? writeCompose(accessoriesFile(input, file, accessories)) : undefined,
    keys,
    addresses,
    volumes: volumeSpecs(input, file, used),
    network: sharedName(input.service, input.environment),
  };
}

function checkServices({ bundle }: DeriveInput, file: ComposeFile, released: string[]): void {
  const { databases, migrations } = bundle.config;
  const wanted = [
    ...released,
    ...databases.map(({ service }) => service),
    ...(migrations ? [migrations.service] : []),
  ];
  const missing = [...new Set(wanted)].filter((name) => !Object.hasOwn(file.services, name));
  if (missing.length > 0)
    throw errors.COMPOSE_SERVICE_MISSING({
      project: bundle.project,
      missing,
      services: Object.keys(file.services),
    });
}

/** Keys that are for building or for a laptop. Their variables need no value. */
const NEVER = ['build', 'develop', 'attach', 'pull_policy', 'profiles'];

function trimmed(
  file: ComposeFile,
  released: string[],
  accessories: string[],
  behindProxy: string[],
): ComposeFile {
  const keysNot = (name: string): string[] => [
    ...NEVER,
    // Its image is another one on the host.
    ...(released.includes(name) ? ['image'] : []),
    ...(behindProxy.includes(name) ? ['ports'] : []),
  ];
  const services = [...released, ...accessories].map((name) => [
    name,
    without(file.services[name] ?? {}, keysNot(name)),
  ]);
  return { ...file, services: Object.fromEntries(services) as Record<string, Mapping> };
}

/** All variables replaced; a variable of a container that is to come from compose's own environment, too. */
function resolve({ bundle, environment, variables }: DeriveInput, file: ComposeFile): ComposeFile {
  const missing = new Set<string>();
  const mistakes: string[] = [];
  const walk = (value: unknown, at: string, values: Values): unknown => {
    if (typeof value === 'string') {
      const read = interpolate(value, values);
      for (const name of read.missing) missing.add(name);
      if (read.mistake !== undefined) mistakes.push(`${at}: ${read.mistake}`);
      return read.text;
    }
    if (Array.isArray(value)) return value.map((item, i) => walk(item, `${at}[${i}]`, values));
    if (!isMapping(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, walk(item, at === '' ? key : `${at}.${key}`, values)]),
    );
  };
  const resolved = walk(file, '', variables) as ComposeFile;
  for (const service of Object.values(resolved.services)) {
    if (isEmpty(service['environment'])) continue;
    service['environment'] = Object.fromEntries(
      Object.entries(pairs(service['environment'])).map(([name, value]) => {
        if (value === null && !Object.hasOwn(variables, name)) missing.add(name);
        return [name, value ?? variables[name] ?? ''];
      }),
    );
  }
  if (mistakes.length > 0) throw errors.COMPOSE_FILE_INVALID({ project: bundle.project, problems: mistakes });
  if (missing.size > 0)
    throw errors.VARIABLE_MISSING({ project: bundle.project, stage: environment, names: [...missing] });
  return resolved;
}

/** Behind the proxy two releases run side by side, so a service is called by its release there. */
function keysOf(
  { proxy, release, replicas }: DeriveInput,
  file: ComposeFile,
  released: string[],
): Record<string, string[]> {
  return Object.fromEntries(
    released.map((name) => {
      if (proxy === 'none') return [name, [name]];
      const alias = releaseAlias(release, name);
      const count = replicas ?? replicasOf(file.services[name] ?? {});
      return [
        name,
        count === 1
          ? [alias]
          : Array.from({ length: Math.min(count, MOST_REPLICAS) || 0 }, (_, i) => `${alias}-${i + 1}`),
      ];
    }),
  );
}

function replicasOf({ scale, deploy }: Mapping): number {
  return Number(scale ?? (isMapping(deploy) ? deploy['replicas'] : undefined) ?? 1);
}

function nameProblems(
  { service, environment, release, proxy }: DeriveInput,
  keys: Record<string, string[]>,
): string[] {
  const project = projectName(service, environment, release);
  const all = Object.values(keys).flat();
  return [
    ...(/^[a-z0-9][a-z0-9_-]*$/.test(project) && service !== 'proxy'
      ? []
      : [`"${service}" cannot be the name of a service on a host (letters, digits, - and _; not "proxy")`]),
    ...Object.entries(keys).flatMap(([name, own]) =>
      own.length === 0 ? [`services.${name}: would have no container`] : [],
    ),
    // A label of a host name has at most 63 characters.
    ...(proxy === 'none' ? [] : all.filter((key) => key.length > 63 || !/^[a-z0-9._-]+$/.test(key))).map(
      (key) =>
        `"${key}" would be a container's name in the network: longer than 63 characters, or with others than letters, digits, -, _ and .`,
    ),
    ...all
      .filter((key, i) => all.indexOf(key) !== i)
      .map((key) => `"${key}" would be the name of two containers`),
  ];
}

function imageProblems(
  { images }: DeriveInput,
  file: ComposeFile,
  released: string[],
  accessories: string[],
): string[] {
  return [
    ...released
      .filter((name) => !/@sha256:[0-9a-f]{64}$/.test(images[name] ?? ''))
      .map((name) => `services.${name}: no image by digest is known for it`),
    ...accessories
      .filter((name) => file.services[name]?.['image'] === undefined)
      .map(
        (name) =>
          `services.${name}: has no image, and is not one that this project builds ("images" in sluice.json)`,
      ),
  ];
}

/** Where the proxy, or without one a probe, finds the `http` services; lines that say what is wrong. */
function addressesOf(
  { bundle, release, proxy }: DeriveInput,
  file: ComposeFile,
  keys: Record<string, string[]>,
  http: string[],
): DerivedRelease['addresses'] | string[] {
  const problems: string[] = [];
  const found = http.map((name) => {
    const port = bundle.config.http[name]?.port ?? 0;
    if (proxy === 'caddy') {
      const each = (keys[name] ?? []).map((key) => `${key}:${port}`);
      return [name, { shared: `${releaseAlias(release, name)}:${port}`, each }];
    }
    const published = portsOf(file.services[name] ?? {}).find(({ container }) => container === String(port));
    const host = file.services[name]?.['network_mode'] === 'host' ? String(port) : published?.host;
    if (host === undefined)
      problems.push(
        `services.${name}.ports: without a proxy, ${port} has to be published on a port of the host`,
      );
    const shared = `127.0.0.1:${host}`;
    return [name, { shared, each: [shared] }];
  });
  return problems.length > 0 ? problems : Object.fromEntries(found);
}
