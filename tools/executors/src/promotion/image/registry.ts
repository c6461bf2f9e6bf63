import { Secret } from '../../foundation/index.ts';
import {
  needsLocalImages,
  resolveServiceStages,
  type ImagePlace,
  type ServicePipeline,
} from '../../pipeline/index.ts';
import type { Profile, SluiceOptions } from '../../pipeline/types.ts';
import {
  openOci,
  readDockerCredentials,
  type Credentials,
  type OciRepository,
} from '../../registry/oci/index.ts';
import { leaseLocalRegistries } from '../../registry/local/index.ts';
import { IMAGES } from '../../service/types.ts';

/** The image registry of one place, with connections that its repositories share. */
export interface ImageRegistry {
  /** The repository of an artifact, by its name below the place's `images`. */
  of(repository: string): OciRepository;
  /** What gets in; a host that pulls needs the same. Undefined: anonymous. */
  credentials: Credentials | undefined;
  close(): Promise<void>;
}

/** Opens a place. Without a token of its own it is what the docker client has stored for the registry. */
export async function openImages(place: ImagePlace, env: NodeJS.ProcessEnv): Promise<ImageRegistry> {
  const [host = '', ...path] = place.images.split('/');
  const credentials = place.credentials ?? (await readDockerCredentials(host, env));
  const oci = openOci({ host, insecure: place.insecure, ...(credentials ? { credentials } : {}) }, env);
  return {
    of: (repository) => oci.repository([...path, repository].join('/')),
    credentials,
    close: () => oci.close(),
  };
}

/** The services' half of the pipeline. `release` gives back the local image registry, where it had to be started. */
export async function resolveServices(given: {
  workspaceRoot: string;
  options: SluiceOptions;
  profile: Profile;
  env: NodeJS.ProcessEnv;
}): Promise<{ pipeline: ServicePipeline | undefined; release: () => Promise<void> }> {
  const { workspaceRoot, options, profile, env } = given;
  if (!needsLocalImages(options, env, profile))
    return { pipeline: resolveServiceStages({ options, profile, env }), release: async () => {} };
  const { notes, addresses, release } = await leaseLocalRegistries({
    workspaceRoot,
    stages: [IMAGES],
    pipeline: options.packages.stages.map((stage) => stage.name),
    env,
  });
  for (const note of notes) process.stderr.write(`${note}\n`);
  const { url, token } = addresses.get(IMAGES) ?? { url: '', token: new Secret('') };
  const local = { host: new URL(url).host, username: 'sluice', password: token };
  return { pipeline: resolveServiceStages({ options, profile, env, local }), release };
}
