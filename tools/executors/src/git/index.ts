export { openRepository, openBareRepository, FETCH, type Repository } from './repository.ts';
export type { Change } from './changes.ts';
export { normaliseRemote, withoutCredentials } from './identity.ts';
export { readObjects } from './objects.ts';
export { execute, type Outcome } from './process.ts';
export { RAW_LOG } from './raw-log.ts';
