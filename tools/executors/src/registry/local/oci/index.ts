export { startOciRegistry, type OciRegistry, type OciRegistryOptions } from './registry.ts';
export type { Faults } from './answers.ts';
