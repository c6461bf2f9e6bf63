import type { SluiceOptions } from '../pipeline/index.ts';
import { targetConfigurations } from '../pipeline/index.ts';

/**
 * One Nx configuration for every stage of every pipeline, on every target that takes a stage: where a project lacks the
 * configuration that was asked for, Nx runs it *without* one. For the same reason no target has a default.
 */
export function stageConfigurations(options: SluiceOptions): Record<string, { stage: string }> {
  return Object.fromEntries(targetConfigurations(options).map((stage) => [stage, { stage }]));
}
