import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram } from '../../src/testing/program.ts';
import { ACTIONS } from '../../src/workflows/actions.ts';

/** What differs from a push to main. */
export interface Payload {
  ref?: string;
  inputs?: object;
  comment?: object;
  before?: string;
  number?: number;
  pull_request?: object;
}
export interface Ran {
  code: number | null;
  /** What act printed, without colours. */
  out: string;
  /** Ids of the jobs that ran, in the order in which they ended, with how. */
  jobs: Record<string, 'success' | 'failure'>;
}
export interface RunInput {
  /** The program. */
  act: string;
  /** The clone whose workflow is run. */
  root: string;
  /** For files that act reads and keeps. */
  folder: string;
  file: string;
  event: string;
  payload: object;
  secrets: Record<string, string>;
  vars: Record<string, string>;
  /** What the jobs find in their environment. */
  variables: Record<string, string>;
  env: NodeJS.ProcessEnv;
  onlyJob?: string;
}

/** Runs a workflow on this system itself, with stand-ins for its actions. */
export async function runWorkflow(input: RunInput): Promise<Ran> {
  const { act, root, folder, file, event, payload, onlyJob } = input;
  const written = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const pairs = (values: Record<string, string>) =>
    Object.entries(values)
      .map(([name, value]) => `${name}=${JSON.stringify(value)}\n`)
      .join('');
  const args = [
    [event],
    onlyJob === undefined ? [] : ['--job', onlyJob],
    ['--workflows', `.github/workflows/${file}`],
    ['--eventpath', written('event.json', JSON.stringify(payload))],
    ['--secret-file', written('secrets', pairs(input.secrets))],
    ['--var-file', written('vars', pairs(input.vars))],
    ['--platform', 'ubuntu-latest=-self-hosted'],
    ['--no-skip-checkout', '--no-cache-server', '--action-offline-mode', '--pull=false'],
    ['--use-new-action-cache', '--log-prefix-job-id', '--action-cache-path', join(folder, 'act')],
    ...Object.values(ACTIONS).map(({ name, commit }) => {
      const standIn = join(import.meta.dirname, 'actions', name.split('/')[1] ?? '');
      return ['--local-repository', `${name}@${commit}=${standIn}`];
    }),
    ...Object.entries(input.variables).map(([name, value]) => ['--env', `${name}=${value}`]),
  ];
  const { code, out } = await runProgram(act, args.flat(), { cwd: root, env: input.env });
  const ended = out.matchAll(/^\[([\w-]+)\] 🏁 +Job (succeeded|failed)/gm);
  const jobs = [...ended].map(([, job, how]) => [job, how === 'failed' ? 'failure' : 'success'] as const);
  return { code, out, jobs: Object.fromEntries(jobs) };
}
