export { leaseLocalRegistries, type LeaseRequest, type LocalLease, type LocalRegistry } from './lease.ts';
export { resetLocalRegistries } from './reset.ts';
export { describeRegistries, registriesText, type RegistryDescription } from './describe.ts';
export { untilInterrupted } from './foreground.ts';
export { IMAGES } from './images.ts';
export { startOciRegistry, type Faults, type OciRegistry, type OciRegistryOptions } from './oci/index.ts';
