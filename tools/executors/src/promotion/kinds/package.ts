import { errors } from '../../foundation/index.ts';
import { planPromotion, promote } from '../promote.ts';
import { publish } from '../publish.ts';
import { verifyStages } from '../verify.ts';
import type { Kind } from './types.ts';

/** npm packages: tarballs in registries, with dist-tags. */
export const packages: Kind = {
  pipeline: 'packages',
  names: (state) => state.packages(),
  unknown: (name, known) => errors.PACKAGE_UNKNOWN({ name, known }),
  publish,
  plan: planPromotion,
  promote,
  verify: verifyStages,
};
