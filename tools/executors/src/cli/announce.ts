import type { Command } from 'commander';
import { errors, EXIT } from '../foundation/index.ts';
import { durationMs } from '../pipeline/index.ts';
import { annotationOf } from '../report/job/index.ts';
import type { Perform } from './shared.ts';

interface AnnounceFlags {
  since: string;
  dryRun?: boolean;
  json?: boolean;
}

export function announceCommand(program: Command, perform: Perform): void {
  program
    .command('announce <stage> [names...]')
    .description(
      'tell GitHub what is in the stage: a deployment with its digest for each project; in the last package stage also a release with assets, and comments on what it resolves',
    )
    .option('--since <duration>', 'what came into the stage no longer ago than this', '7d')
    .option('--dry-run', 'say what would be made; change nothing')
    .option('--json', 'what was made, and what failed, as JSON')
    .addHelpText(
      'after',
      '\n  Safe to repeat: what is there is not made twice. Exit code 1 where something could not be announced; what was promoted stands in any case.',
    )
    .action((stage: string, names: string[], flags: AnnounceFlags) =>
      perform(async ({ context, signal, answer, say }) => {
        // Loaded late: no other command needs it.
        const { announce, formatOutcome } = await import('../outcome/index.ts');
        const outcomes = await announce(context, {
          stage,
          since: new Date(Date.now() - sinceMs(flags.since)),
          dryRun: flags.dryRun ?? false,
          signal,
          ...(names.length > 0 ? { names } : {}),
          onOutcome: (outcome) => (flags.json ? undefined : answer(formatOutcome(outcome))),
        });
        if (flags.json) answer(JSON.stringify(outcomes, undefined, 2));
        else if (outcomes.length === 0)
          answer(`nothing came into ${stage} within ${flags.since}: nothing to do`);
        const failed = outcomes.filter(({ status }) => status === 'failed');
        for (const outcome of failed) {
          const line = annotationOf(context.env, {
            code: outcome.problem?.code ?? '',
            text: formatOutcome(outcome),
          });
          if (line) say(line);
        }
        return failed.length > 0 ? EXIT.failed : EXIT.done;
      }),
    );
}

function sinceMs(said: string): number {
  try {
    return durationMs(said);
  } catch (cause) {
    throw errors.DURATION_INVALID({ said }, { cause });
  }
}
