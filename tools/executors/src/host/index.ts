export * from './types.ts';
export { openHost, type HostOptions, type HostValues } from './host.ts';
export { parseAddress, type Address } from './address.ts';
export * from './backups.ts';
export { quote } from './phases.ts';
export { checkClock } from './clock.ts';
export { releaseFiles, type ReleaseFiles, type ReleaseFilesInput } from './release-files.ts';
export { startSsh, type SshOptions } from './ssh.ts';
export { connectionError } from './connection-errors.ts';
