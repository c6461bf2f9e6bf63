import type { LedgerState } from '../../ledger/types.ts';
import type { PackageResult } from '../carry.ts';
import type { Context } from '../context.ts';
import type { HostWitness } from '../image/verify.ts';
import type { PromoteOptions } from '../promote.ts';
import type { PublishOptions } from '../publish.ts';
import type { PromotionPlan } from '../types.ts';
import type { StagesReport } from '../verify.ts';

/** What one kind of artifact does in its pipeline; everything around it (gates, records, doors) knows no kinds. */
export interface Kind {
  readonly pipeline: 'packages' | 'services';
  /** What the ledger knows of this kind, by name. */
  names(state: LedgerState): string[];
  /** The error for a name that it does not know. */
  unknown(name: string, known: string[]): Error;
  /** Puts artifacts where the first promotion takes them from. Never throws for one artifact's failure. */
  publish(context: Context, options: PublishOptions): Promise<{ results: PackageResult[] }>;
  /** What a promotion would do, with what the gate says of it. Reads only. */
  plan(context: Context, options: PromoteOptions): Promise<{ plan: PromotionPlan }>;
  /** Moves artifacts into a stage. Never throws for one artifact's failure. */
  promote(
    context: Context,
    options: PromoteOptions,
  ): Promise<{ plan: PromotionPlan; results: PackageResult[] }>;
  /** Compares what the stages hold with the ledger. */
  verify(
    context: Context,
    options: { stages?: string[]; signal?: AbortSignal; witness?: HostWitness },
  ): Promise<StagesReport>;
}
