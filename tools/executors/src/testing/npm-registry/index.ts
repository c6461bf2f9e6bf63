export { startNpmRegistry, type TestNpmRegistry } from './server.ts';
export type { Held, Publisher, StagedVersion } from './state.ts';
