import { changesets } from './changesets.ts';
import { floors } from './floor.ts';
import { lerna } from './lerna.ts';
import { npmLoop, pnpmLoop } from './loops.ts';
import { npm } from './npm.ts';
import { nxRelease } from './nx-release.ts';
import { pnpm } from './pnpm.ts';
import { sluice } from './sluice.ts';
import type { Driver } from './types.ts';

export type { Driver, Operation, Role, Run } from './types.ts';
export { nxNoop } from './nx-noop.ts';

/** Every row, in the order of the tables. */
export const drivers: Driver[] = [
  ...floors,
  ...sluice,
  pnpm,
  lerna,
  npm,
  changesets,
  nxRelease,
  pnpmLoop,
  npmLoop,
];
