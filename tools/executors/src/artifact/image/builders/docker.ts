import type { Builder, BuildRequest } from './types.ts';
import { commonArgs, inspected, reads, writes } from './shared.ts';

/** The store of a Docker engine, which its classic builder and its own BuildKit share. */
export const dockerStore = (program: string) => ({
  look: (reference: string) => reads(program, 'image', 'inspect', reference),
  found: inspected,
  store: {
    pull: (reference: string, platform?: string) =>
      writes(program, 'pull', '--quiet', ...(platform ? ['--platform', platform] : []), reference),
    tag: (id: string, name: string) => writes(program, 'tag', id, name),
    untag: (name: string) => writes(program, 'rmi', '--no-prune', name),
    save: (id: string, archive: string) => reads(program, 'save', '--output', archive, id),
  },
});

/** The classic builder of a Docker engine. */
export const docker = (program: string, version: string, platform: string): Builder => ({
  name: 'docker',
  description: `the classic builder of Docker ${version}`,
  platform,
  severalPlatforms: false,
  platformArgs: false,
  ...dockerStore(program),
  build: (request: BuildRequest) => ({
    ...writes(
      program,
      'build',
      ...commonArgs(request, { epoch: false }),
      '--iidfile',
      request.idFile,
      '--tag',
      request.tag,
      request.context,
    ),
    env: { DOCKER_BUILDKIT: '0' },
  }),
});
