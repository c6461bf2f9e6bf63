export { openLedger, type OpenLedger } from './ledger.ts';
export { pushArguments } from './push.ts';
export { recordProblem } from './validate.ts';
export type * from './types.ts';
