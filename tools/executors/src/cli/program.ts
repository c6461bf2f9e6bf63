import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command, CommanderError } from 'commander';
import { asSluiceError, EXIT, redact, redactOutput, type ExitCode } from '../foundation/index.ts';
import { openContext, type Context } from '../promotion/context.ts';
import { announceCommand } from './announce.ts';
import { boardCommand } from './board.ts';
import { doctorCommand } from './doctor.ts';
import { annotationOf } from '../report/job/index.ts';
import { approveCommand, approveCommentCommand, overrideCommand, unholdCommand } from './people.ts';
import { baseCommand, changedCommand, planCommand, statusCommand, verifyCommand } from './reading.ts';
import { promoteCommand, rollbackCommand } from './moving.ts';
import { releaseCommand } from './release.ts';
import { workspaceRoot } from '../versioning/workspace-root.ts';
import type { Action, Perform } from './shared.ts';

/** The `sluice` command with all of its subcommands. Each hands its work to `perform`; nothing runs by itself. */
export function sluiceProgram(perform: Perform): Command {
  const program = new Command('sluice')
    .description(
      'What is where, what would happen, and the proofs: for scripts and people, from any folder of the workspace.',
    )
    .version(ownVersion())
    .enablePositionalOptions()
    .exitOverride()
    .showHelpAfterError('(sluice --help lists the commands)')
    .addHelpText(
      'after',
      '\nExit codes: 0 done, or nothing to do; 1 failed; 2 bad input or configuration; 3 a gate is closed (nothing was changed).',
    );
  for (const add of [
    releaseCommand,
    baseCommand,
    changedCommand,
    planCommand,
    promoteCommand,
    approveCommand,
    approveCommentCommand,
    statusCommand,
    boardCommand,
    verifyCommand,
    announceCommand,
    doctorCommand,
    rollbackCommand,
    unholdCommand,
    overrideCommand,
  ]) {
    add(program, perform);
  }
  return program;
}

/** Runs the `sluice` command and returns its exit code; see EXIT for their meaning. */
export async function run(argv: string[]): Promise<ExitCode> {
  redactOutput();
  let exit: ExitCode = EXIT.done;
  const program = sluiceProgram(async (action, given = {}) => {
    exit = await performed(action, given);
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    return thrown.exitCode === 0 ? EXIT.done : EXIT.badInput;
  }
  return exit;
}

async function performed(action: Action, given: { key?: string; as?: string }): Promise<ExitCode> {
  const abort = new AbortController();
  const stop = (): void => abort.abort(new Error('stopped on request'));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  let context: Context | undefined;
  try {
    context = await openContext({
      workspaceRoot: workspaceRoot(process.cwd()),
      // What a person types means a file from where they stand; git's own settings mean one from the root.
      ...(given.key ? { key: given.key.startsWith('~') ? given.key : resolve(given.key) } : {}),
      ...(given.as ? { principal: given.as } : {}),
    });
    return await action({
      context,
      signal: abort.signal,
      answer: (text) => process.stdout.write(`${text}\n`),
      say: (text) => process.stderr.write(`${text}\n`),
    });
  } catch (thrown) {
    const error = asSluiceError(thrown);
    process.stderr.write(redact(`${error.format()}\n`));
    const shown = annotationOf(process.env, error);
    if (shown) process.stderr.write(`${shown}\n`);
    return error.exit;
  } finally {
    await context?.close();
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}

function ownVersion(): string {
  const file = join(import.meta.dirname, '../../package.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
