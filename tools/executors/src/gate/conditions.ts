import { approvals } from './approvals.ts';
import { environment } from './environment.ts';
import { freeze } from './freeze.ts';
import { origin } from './origin.ts';
import { soak } from './soak.ts';
import type { Condition } from './types.ts';
import { verified } from './verified.ts';

/** Every way in which a gate can be closed, in the order in which a person reads about them. */
export const conditions: readonly Condition[] = [origin, verified, soak, freeze, environment, approvals];
