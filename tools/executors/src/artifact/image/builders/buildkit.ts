import { dockerStore } from './docker.ts';
import { commonArgs, jsonOf, reads, writes } from './shared.ts';
import type { Builder, BuildRequest, FoundImage } from './types.ts';

/** Else BuildKit adds a statement of its own to each image, which differs with every build. */
const PLAIN = { BUILDX_NO_DEFAULT_ATTESTATIONS: '1', DOCKER_BUILDKIT: '1' };

/** BuildKit inside a Docker engine: what it makes lies in the engine's store. */
export const buildkitInEngine = (
  program: string,
  version: string,
  platform: string,
  words: readonly string[],
): Builder => ({
  name: 'buildkit',
  description: `BuildKit in Docker ${version}`,
  platform,
  severalPlatforms: false,
  platformArgs: true,
  ...dockerStore(program),
  build: (request: BuildRequest) => ({
    ...writes(
      program,
      ...words,
      ...(words.includes('buildx') ? ['--load'] : []),
      '--progress',
      'plain',
      ...commonArgs(request, { epoch: true }),
      '--iidfile',
      request.idFile,
      '--tag',
      request.tag,
      request.context,
    ),
    env: PLAIN,
  }),
});

/** A BuildKit of its own (a container, another machine) behind `docker buildx`: it has no store, and writes an OCI archive. */
export const buildkitByBuildx = (program: string, version: string, platform: string): Builder => ({
  name: 'buildkit',
  description: `BuildKit behind docker buildx ${version}`,
  platform,
  severalPlatforms: true,
  platformArgs: true,
  look: (reference) => reads(program, 'buildx', 'imagetools', 'inspect', '--format', '{{json .}}', reference),
  found: imageInRegistry,
  build: (request: BuildRequest) => ({
    ...writes(
      program,
      'buildx',
      'build',
      '--progress',
      'plain',
      ...commonArgs(request, { epoch: true }),
      '--output',
      `type=oci,dest=${request.archive}`,
      request.context,
    ),
    env: PLAIN,
  }),
});

interface RootFs {
  rootfs?: { diff_ids?: string[] };
}
interface ImageTools {
  manifest?: { digest?: string };
  image?: RootFs & Record<string, RootFs>;
}

/** The answer of `imagetools inspect`: one image, or one for each platform. */
function imageInRegistry(stdout: string): FoundImage | undefined {
  const { manifest, image = {} } = (jsonOf(stdout) ?? {}) as ImageTools;
  if (!manifest?.digest) return undefined;
  const all = 'rootfs' in image ? [image as RootFs] : Object.values(image);
  return { digest: manifest.digest, layers: all.map(({ rootfs }) => rootfs?.diff_ids ?? []) };
}
