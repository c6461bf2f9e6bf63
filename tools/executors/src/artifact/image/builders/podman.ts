import { commonArgs, inspected, reads, writes } from './shared.ts';
import type { Builder } from './types.ts';

type WithStore = Builder & Required<Pick<Builder, 'store'>>;

export const podman = (program: string, version: string, platform: string): WithStore => ({
  name: 'podman',
  description: `podman ${version}`,
  platform,
  severalPlatforms: false,
  platformArgs: true,
  look: (reference) => reads(program, 'image', 'inspect', reference),
  found: inspected,
  store: {
    pull: (reference, of) => writes(program, 'pull', '--quiet', ...(of ? ['--platform', of] : []), reference),
    tag: (id, name) => writes(program, 'tag', id, name),
    // `untag` would take all names away; this one takes the image too only where it has no other name.
    untag: (name) => writes(program, 'rmi', name),
    save: (id, archive) => reads(program, 'save', '--format', 'docker-archive', '--output', archive, id),
  },
  build: (request) =>
    writes(
      program,
      'build',
      // Docker's format keeps HEALTHCHECK, and layers make the next build quick.
      '--format',
      'docker',
      '--layers',
      ...commonArgs(request, { epoch: false }),
      '--iidfile',
      request.idFile,
      '--tag',
      request.tag,
      request.context,
    ),
});
