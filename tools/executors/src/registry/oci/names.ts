import { createHash } from 'node:crypto';

export const IMAGE_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const IMAGE_INDEX = 'application/vnd.oci.image.index.v1+json';
const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
const DOCKER_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json';

/** Every kind of manifest that we can copy: what a registry may answer with, as it stored it. */
export const MANIFEST_TYPES = [IMAGE_INDEX, IMAGE_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST];

/** Lower-case `sha256:<hex>`, the only kind of digest that registries must know. */
export const isDigest = (text: string): boolean => /^sha256:[0-9a-f]{64}$/.test(text);

/** A tag as the distribution specification has it. */
export const isTag = (text: string): boolean => /^\w[\w.-]{0,127}$/.test(text);

/** A repository's name as the distribution specification has it. */
export const isRepositoryName = (text: string): boolean =>
  text.length <= 255 &&
  /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$/.test(text);

export const sha256 = (bytes: Uint8Array): string =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** The tag under which a registry without the referrers API lists what is attached to a digest. */
export const fallbackTag = (digest: string): string => digest.replace(':', '-');
