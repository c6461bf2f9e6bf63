import { pipelineOf } from '../../pipeline/index.ts';
import type { SluiceOptions } from '../../pipeline/types.ts';
import { services } from './image.ts';
import { packages } from './package.ts';
import type { Kind } from './types.ts';

export type { Kind } from './types.ts';

/** Every kind that there is, packages first. */
export const kinds: readonly Kind[] = [packages, services];

/** The kind that moves through a pipeline. */
export const kindOf = (pipeline: Kind['pipeline']): Kind => (pipeline === 'packages' ? packages : services);

/** The kind that a stage takes. Throws STAGE_MISSING, STAGE_UNKNOWN. */
export function kindOfStage(options: SluiceOptions, stage: string | undefined, target: string): Kind {
  return kindOf(pipelineOf(options, stage, target));
}
