export { planSmoke, smoke, type SmokeInput, type SmokeReport } from './smoke.ts';
export { runLoad, type LoadOptions, type LoadReport } from './load.ts';
