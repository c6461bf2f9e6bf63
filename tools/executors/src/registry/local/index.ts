export { leaseLocalRegistries, type LeaseRequest, type LocalLease, type LocalRegistry } from './lease.ts';
export { resetLocalRegistries } from './reset.ts';
export { describeRegistries, registriesText, type RegistryDescription } from './describe.ts';
export { untilInterrupted } from './foreground.ts';
