import type { SluiceOptions } from '../pipeline/types.ts';

/** What the workflows are made of. */
export interface WorkflowInput {
  options: SluiceOptions;
  /** The services of the workspace. */
  services: { project: string; secrets: string[] }[];
}

/** One workflow, as GitHub's syntax has it. */
export interface Workflow {
  /** File name below `.github/workflows`. */
  file: string;
  /** Comment on top: what it is for, and what it needs. */
  about: string;
  name: string;
  on: Record<string, unknown>;
  /** What zizmor says of an event, and what is looked after here. */
  ignore?: Record<string, string>;
  env?: Env;
  concurrency?: Concurrency;
  jobs: Record<string, Job>;
}
export interface Job {
  name: string;
  /** Comment above the job. */
  about?: string;
  needs?: string[];
  if?: string;
  environment?: string;
  permissions: Permissions;
  concurrency?: Concurrency;
  timeout?: number;
  outputs?: Record<string, string>;
  env?: Env;
  steps: Step[];
}
export interface Step {
  name?: string;
  id?: string;
  if?: string;
  uses?: Action;
  with?: Record<string, string | number | boolean>;
  run?: string;
  /** Only `bash` that is named ends with the first failure of a pipe. */
  shell?: 'bash';
  env?: Env;
  'continue-on-error'?: boolean;
}
export type Env = Record<string, string>;
export type Permissions = Record<string, 'read' | 'write'>;
export interface Concurrency {
  group: string;
  'cancel-in-progress': boolean;
}
/** An action by its commit; the version is for people, and for what keeps it up to date. */
export interface Action {
  name: string;
  commit: string;
  version: string;
}
