export { versioningChecks } from './checks.ts';
