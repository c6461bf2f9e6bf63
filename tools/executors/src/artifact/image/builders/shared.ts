import type { Command } from '../command.ts';
import type { BuildRequest, FoundImage } from './types.ts';

export const reads = (program: string, ...args: string[]): Command => ({ program, args, effect: 'read' });
export const writes = (program: string, ...args: string[]): Command => ({ program, args, effect: 'write' });

/** What all of them take by the same words. */
export function commonArgs(request: BuildRequest, { epoch }: { epoch: boolean }): string[] {
  const { args, platforms, target, dockerfile, wantsEpoch, noCache } = request;
  return [
    '--file',
    dockerfile,
    ...(target === undefined ? [] : ['--target', target]),
    ...(platforms.length > 0 ? ['--platform', platforms.join(',')] : []),
    // A builder complains of an argument that no ARG asks for.
    ...(epoch || wantsEpoch ? ['--build-arg', `SOURCE_DATE_EPOCH=${request.epoch}`] : []),
    ...Object.entries(args).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]),
    ...(noCache ? ['--no-cache'] : []),
  ];
}

interface Inspected {
  Id?: string;
  RepoDigests?: string[] | null;
  RootFS?: { Layers?: string[] | null };
}

/** The answer of `image inspect` of docker and podman. */
export function inspected(stdout: string, reference: string): FoundImage | undefined {
  const [image] = (jsonOf(stdout) ?? []) as Inspected[];
  if (!image?.Id) return undefined;
  const digest = digestFor(reference, image.RepoDigests ?? []);
  return {
    ...(digest === undefined ? {} : { digest }),
    id: image.Id.replace(/^(?!sha256:)/, 'sha256:'),
    layers: [image.RootFS?.Layers ?? []],
  };
}

/**
 * The digest among `repository@sha256:...` that belongs to this reference: an image can have come from several registries
 * under as many digests. `localhost` is podman's word for "from nowhere".
 */
export function digestFor(reference: string, digests: readonly string[]): string | undefined {
  const wanted = nameOf(reference);
  for (const one of digests) {
    const [repository = '', digest] = one.split('@');
    if (digest !== undefined && !repository.startsWith('localhost/') && sameRepository(repository, wanted))
      return digest;
  }
  return undefined;
}

function sameRepository(repository: string, wanted: string): boolean {
  if (repository === wanted) return true;
  // A name without a host belongs to the client's default registry, which some clients spell out.
  const [host = '', ...path] = repository.split('/');
  return (
    path.length > 0 &&
    !hasHost(wanted) &&
    hasHost(repository) &&
    host !== 'localhost' &&
    bare(path.join('/')) === bare(wanted)
  );
}

const bare = (path: string): string => path.replace(/^library\//, '');
const hasHost = (name: string): boolean =>
  name.includes('/') && /[.:]|^localhost$/.test(name.split('/')[0] ?? '');

/** A reference without its tag and digest. */
export function nameOf(reference: string): string {
  const [name = ''] = reference.split('@');
  return name.replace(/:[^/:]*$/, '');
}

export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
