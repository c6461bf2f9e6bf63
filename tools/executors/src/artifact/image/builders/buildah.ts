import { podman } from './podman.ts';
import { digestFor, jsonOf, nameOf, reads } from './shared.ts';
import type { Builder, FoundImage } from './types.ts';

/** What podman builds with: the same words, but for looking at an image and for saving one. */
export function buildah(program: string, version: string, platform: string): Builder {
  const like = podman(program, version, platform);
  return {
    ...like,
    name: 'buildah',
    description: `buildah ${version}`,
    look: (reference) => reads(program, 'inspect', '--type', 'image', reference),
    found,
    store: {
      ...like.store,
      save: (id, archive) => reads(program, 'push', '--quiet', id, `docker-archive:${archive}`),
    },
  };
}

interface Inspected {
  FromImage?: string;
  FromImageID?: string;
  FromImageDigest?: string;
  OCIv1?: { rootfs?: { diff_ids?: string[] } };
}

function found(stdout: string, reference: string): FoundImage | undefined {
  const { FromImage, FromImageID, FromImageDigest, OCIv1 } = (jsonOf(stdout) ?? {}) as Inspected;
  if (!FromImageID) return undefined;
  const digest = digestFor(reference, [`${nameOf(FromImage ?? '')}@${FromImageDigest ?? ''}`]);
  return {
    ...(digest ? { digest } : {}),
    id: `sha256:${FromImageID}`,
    layers: [OCIv1?.rootfs?.diff_ids ?? []],
  };
}
