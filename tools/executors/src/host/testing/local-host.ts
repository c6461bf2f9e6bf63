import { spawn } from 'node:child_process';
import { errors } from '../../foundation/index.ts';
import { SessionHost, type HostValues } from '../host.ts';
import { COMMAND } from '../session.ts';
import type { Host, PhaseName } from '../types.ts';

export interface LocalHostOptions extends Partial<HostValues> {
  /** State folder: a temporary one of the test. */
  root: string;
  /** Folders that stand first in PATH, with a fake `docker` in one of them, say. */
  path?: string[];
  /** Replaces HOME and adds to the environment of the phases. */
  env?: NodeJS.ProcessEnv;
  /** Program and arguments that stand for `sh`; what it is asked to run comes behind `-c`. */
  shell?: string[];
  /** Instead of the scripts in `phases/`. */
  script?: (phase: PhaseName) => string;
  graceMs?: number;
}

/** A `Host` that runs the same session and phases by this machine's own `sh`, without ssh between. */
export async function openLocalHost(options: LocalHostOptions): Promise<Host> {
  const { root, path = [], shell = ['sh'] } = options;
  const values = { service: 'api', environment: 'staging', run: 'run-1', ...options };
  const env = {
    ...process.env,
    HOME: root,
    ...options.env,
    PATH: [...path, process.env['PATH']].join(':'),
  };
  return new SessionHost(values, {
    name: 'local',
    ...(options.graceMs === undefined ? {} : { graceMs: options.graceMs }),
    ...(options.script === undefined ? {} : { script: options.script }),
    start: () =>
      spawn(shell[0] as string, [...shell.slice(1), '-c', COMMAND], { stdio: 'pipe', env, detached: true }),
    failed: (ended) =>
      errors.HOST_WITHOUT_SHELL({
        host: 'local',
        code: ended.code ?? -1,
        said: `${ended.printed}\n${ended.said}`,
        command: 'sh',
      }),
  });
}
