export { assertManifest, bytesFromBuffer, bytesFromFile, readPackageManifest } from './bytes.ts';
export { capabilitiesOf } from './capabilities.ts';
export { builtInRegistry, readClientConfig, type ClientConfig } from './client-config.ts';
export { openContentStore, type ContentStore } from './content-store.ts';
export { installAndImport, type InstallRequest } from './install.ts';
export { openNpmStore, type NpmStoreOptions } from './npm-store.ts';
export type { Capabilities, Presence, StageStore } from './types.ts';
export { CONNECTIONS } from './http.ts';
