import { errors } from '../../foundation/index.ts';
import { planImages, promoteImages } from '../image/promote.ts';
import { publishImages } from '../image/publish.ts';
import { verifyImages } from '../image/verify.ts';
import type { Kind } from './types.ts';

/** Services: container images in an OCI registry, deployed to hosts. */
export const services: Kind = {
  pipeline: 'services',
  names: (state) => state.services(),
  unknown: (name, known) => errors.SERVICE_UNKNOWN({ name, known }),
  publish: publishImages,
  plan: planImages,
  promote: promoteImages,
  verify: verifyImages,
};
