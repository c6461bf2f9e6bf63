export { bytesFromBuffer, bytesFromFile } from './bytes.ts';
export { capabilitiesOf } from './capabilities.ts';
export { openNpmStore, type NpmStoreOptions } from './npm-store.ts';
export type { Capabilities, Presence, StageStore } from './types.ts';
