import { existsSync } from 'node:fs';
import { errors } from '../foundation/index.ts';
import { withoutCredentials } from './identity.ts';
import { execute, type Outcome } from './process.ts';

export interface RunOptions {
  input?: string | Uint8Array;
  /** Exit codes that are an answer and not a failure; `[0]` by default. */
  okCodes?: readonly number[];
  env?: NodeJS.ProcessEnv;
  /** Gets the output piece by piece; `stdout` is then empty. */
  onStdout?: (chunk: Buffer) => void;
  signal?: AbortSignal;
}

/** Set by git inside hooks; they would point our calls at another repository or index. */
const LOCAL = [
  'GIT_DIR',
  'GIT_WORK_TREE',
  'GIT_INDEX_FILE',
  'GIT_OBJECT_DIRECTORY',
  'GIT_ALTERNATE_OBJECT_DIRECTORIES',
  'GIT_COMMON_DIR',
  'GIT_PREFIX',
  'GIT_NAMESPACE',
  'GIT_GRAFT_FILE',
  'GIT_SHALLOW_FILE',
  'GIT_REPLACE_REF_BASE',
];

function environment(extra: NodeJS.ProcessEnv | undefined): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env };
  for (const name of LOCAL) delete env[name];
  return {
    ...env,
    LC_ALL: 'C',
    GIT_TERMINAL_PROMPT: '0',
    // A look at the tree must not rewrite the index.
    GIT_OPTIONAL_LOCKS: '0',
    // History is what it is, not what a replacement ref says.
    GIT_NO_REPLACE_OBJECTS: '1',
    ...extra,
  };
}

/** The one gate for git: an argv, never a shell, standard input closed or given. The exit code is the caller's to judge. */
export async function callGit(
  cwd: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Outcome> {
  try {
    return await execute('git', args, {
      cwd,
      env: environment(options.env),
      input: options.input,
      onStdout: options.onStdout,
      signal: options.signal,
    });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT' && existsSync(cwd)) {
      throw errors.GIT_MISSING({}, { cause });
    }
    throw errors.GIT_FAILED({ command: commandOf(args), code: -1, said: String(cause) }, { cause });
  }
}

/** Like `callGit`, and throws GIT_FAILED where the exit code is not one of `okCodes`. */
export async function runGit(
  cwd: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Outcome> {
  const outcome = await callGit(cwd, args, options);
  if (!(options.okCodes ?? [0]).includes(outcome.code)) throw gitFailed(args, outcome, cwd);
  return outcome;
}

/** Of a full disk git tells in words alone; `LC_ALL=C` above keeps them English. */
const NO_SPACE = /No space left on device|Out of diskspace|Disk quota exceeded/;

function gitFailed(args: readonly string[], outcome: Outcome, folder: string) {
  const failed = errors.GIT_FAILED({
    command: commandOf(args),
    code: outcome.code,
    said: withoutCredentials(outcome.stderr),
  });
  return NO_SPACE.test(outcome.stderr) ? errors.DISK_FULL({ folder }, { cause: failed }) : failed;
}

function commandOf(args: readonly string[]): string {
  return withoutCredentials(`git ${args.join(' ')}`);
}
