export { openLedger, type OpenLedger } from './ledger.ts';
export { pushArguments } from './push.ts';
export { parseBatch, recordProblem } from './validate.ts';
export type * from './types.ts';
