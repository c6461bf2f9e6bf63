import { isDeepStrictEqual } from 'node:util';
import { errors } from '../../foundation/index.ts';
import { withStage } from '../stage/change.ts';
import type { ServiceSchema } from './types.ts';

type Raw = Record<string, unknown>;
interface Services extends Raw {
  images?: string;
  stages?: { name: string; hosts?: string[] }[];
}

/**
 * The options with the environments that a service needs: those that nx.json has, and those that were asked for.
 * What is there stays; `notes` say where that is not what was asked for.
 * @param owner of the repository on GitHub
 * @throws ENVIRONMENT_SPELLING
 */
export function withEnvironments(
  options: Raw,
  { environments, images }: ServiceSchema,
  owner?: string,
): { options: Raw; stages: string[]; notes: string[] } {
  const before = (options['services'] ?? {}) as Services;
  const known = (before.stages ?? []).map(({ name }) => name);
  const usual = known.length > 0 ? [] : ['staging', 'production'];
  const wanted = (environments?.length ? environments : usual).map(parsed);
  const last = wanted.at(-1);
  let result = options;
  for (const { name, hosts } of wanted.filter((one) => !known.includes(one.name)))
    result = withStage(result, {
      name,
      pipeline: 'services',
      ...(hosts.length > 0 ? { hosts } : {}),
      // People look before the last one; nobody has to before the only one.
      ...(known.length === 0 && wanted.length > 1 && name === last?.name ? { gateApprovals: 1 } : {}),
    });
  const services = (result['services'] ?? {}) as Services;
  const repository = services.images ?? images ?? (owner ? `ghcr.io/${owner.toLowerCase()}` : undefined);
  result = { ...result, services: { ...(repository ? { images: repository } : {}), ...services } };
  const notes = wanted.flatMap(({ name, hosts }) => {
    const there = before.stages?.find((stage) => stage.name === name);
    if (!there || hosts.length === 0 || isDeepStrictEqual(there.hosts, hosts)) return [];
    const change = `npx nx g @sluice/nx:stage ${name} ${hosts.map((host) => `--hosts=${host}`).join(' ')}`;
    return [
      `the stage "${name}" is there already, and keeps its hosts; this changes them for all: ${change}`,
    ];
  });
  return { options: result, stages: (services.stages ?? []).map(({ name }) => name), notes };
}

/** `staging`, `staging=deploy@one.example.com`, or with several hosts and commas between them. */
function parsed(text: string): { name: string; hosts: string[] } {
  const [, name, hosts] = /^([a-z][a-z0-9]*(?:-[a-z0-9]+)*)(?:=(.*))?$/s.exec(text.trim()) ?? [];
  const list = (hosts ?? '').split(',').map((host) => host.trim());
  if (name === undefined || (hosts !== undefined && list.includes('')))
    throw errors.ENVIRONMENT_SPELLING({ said: text });
  return { name, hosts: hosts === undefined ? [] : list };
}
