import { Secret } from '../foundation/index.ts';
import { resolveServiceStages, resolveStages } from '../pipeline/index.ts';
import type { Context } from '../promotion/context.ts';

/** What a gate has to know of a stage. */
export interface Place {
  pipeline: 'packages' | 'services';
  name: string;
  identity: string;
  /** The stage before; undefined for the first. */
  before: string | undefined;
  hosts: string[];
}

/**
 * The places of both pipelines as the ledger names them, without starting or asking a registry: the board only reads.
 * @throws what options and environment can be wrong with, see `resolveStages`
 */
export function placesOf({ options, profile, env }: Pick<Context, 'options' | 'profile' | 'env'>): Place[] {
  // Identities come from names; nobody calls these addresses.
  const nobody = { url: 'http://local.invalid', token: new Secret('') };
  const local = new Map(options.packages.stages.map(({ name }) => [name, nobody]));
  const stages = resolveStages({
    options,
    profile,
    env,
    local,
    defaultRegistry: 'http://default.invalid',
  });
  const images = { host: 'local.invalid', username: '', password: new Secret('') };
  const services =
    profile === 'live' && options.services && !options.services.images
      ? undefined
      : resolveServiceStages({ options, profile, env, local: images });
  return [
    ...stages.map(({ name, identity, before }): Place => ({
      pipeline: 'packages',
      name,
      identity,
      before,
      hosts: [],
    })),
    ...(services
      ? [
          {
            pipeline: 'services' as const,
            name: services.images.stage,
            identity: services.images.identity,
            before: undefined,
            hosts: [],
          },
          ...services.stages.map(({ name, identity, before, hosts }): Place => ({
            pipeline: 'services',
            name,
            identity,
            before,
            hosts,
          })),
        ]
      : []),
  ];
}
